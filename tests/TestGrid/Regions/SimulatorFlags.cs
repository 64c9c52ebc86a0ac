using System.Collections.Frozen;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Regions;

/// <summary>Which flags OpenSimulator gives its messages, as recorded; the template says something else here and there (PROTOCOL §1.1).</summary>
internal static class SimulatorFlags
{
    private static readonly FrozenSet<Message> Unreliable = FrozenSet.ToFrozenSet(
    [
        Message.CoarseLocationUpdate, Message.CompletePingCheck, Message.PacketAck, Message.SimStats,
        Message.SimulatorViewerTimeMessage, Message.StartPingCheck,
    ]);

    private static readonly FrozenSet<Message> Coded = FrozenSet.ToFrozenSet(
    [
        Message.AgentWearablesUpdate, Message.AvatarAppearance, Message.EconomyData, Message.ImageData,
        Message.ImprovedTerseObjectUpdate, Message.LogoutReply, Message.ObjectUpdate, Message.ParcelAccessListReply,
        Message.ParcelOverlay, Message.RegionHandshake, Message.RegionInfo, Message.SimulatorViewerTimeMessage,
        Message.TransferInfo, Message.TransferPacket,
    ]);

    public static byte For(BodyWriter message)
    {
        byte flags = Unreliable.Contains(message.Message) ? (byte)0 : Datagram.Reliable;
        if (!Coded.Contains(message.Message)) return flags;
        // ImageData is always coded; elsewhere coding is left out where it would make the message longer.
        Span<byte> room = stackalloc byte[2 * Datagram.MaxBytes];
        bool longer = ZeroCoding.Compress(message.Plain, room) > message.Plain.Length;
        return message.Message == Message.ImageData || !longer ? (byte)(flags | Datagram.ZeroCoded) : flags;
    }
}
