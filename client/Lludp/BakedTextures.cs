using System.Buffers.Binary;

namespace GlobalCache.Client.Lludp;

/// <summary>Finds the baked avatar textures messages name; they must never be cached or shared (PROTOCOL §7.4).</summary>
internal static class BakedTextures
{
    // Fills the unbaked faces of AvatarAppearance; an ordinary asset.
    private static readonly Guid s_defaultAvatar = new("c228d1cf-4b5d-4ba8-84f4-899a0796aa97");

    private static ReadOnlySpan<byte> BakedFaces => [8, 9, 10, 11, 19, 20, 40, 41, 42, 43, 44];

    /// <summary>Whether the message can name any; only then its body need be opened.</summary>
    public static bool MayName(Message message) => message is Message.AvatarAppearance or Message.AgentSetAppearance
        or Message.AgentCachedTextureResponse or Message.RebakeAvatarTextures or Message.RequestImage;

    /// <summary>Reports every baked texture the body names, as far as it can be read.</summary>
    public static void Find(Message message, ReadOnlySpan<byte> body, Action<Guid> found)
    {
        switch (message)
        {
            case Message.RebakeAvatarTextures when body.Length >= 16:
                Report(body, found);
                break;
            case Message.RequestImage when body.Length > 32:                    // AgentID, SessionID
                FindRequested(body[33..], body[32], found);
                break;
            case Message.AgentCachedTextureResponse when body.Length > 36:      // AgentID, SessionID, SerialNum S32
                FindCached(body[37..], body[36], found);
                break;
            case Message.AvatarAppearance when body.Length > 17:                // Sender ID, IsTrial
                FindInFaces(body[17..], found);
                break;
            case Message.AgentSetAppearance when body.Length > 48:              // AgentID, SessionID, SerialNum, Size
                int wearables = 17 * body[48];                                  // CacheID, TextureIndex
                FindInFaces(body.Length > 49 + wearables ? body[(49 + wearables)..] : default, found);
                break;
        }
    }

    // { Image 16, DiscardLevel S8, DownloadPriority F32, Packet U32, Type U8 }: Type 1 is an avatar bake.
    private static void FindRequested(ReadOnlySpan<byte> blocks, int count, Action<Guid> found)
    {
        for (; count > 0 && blocks.Length >= 26; count--, blocks = blocks[26..])
        {
            if (blocks[25] == 1)
            {
                Report(blocks, found);
            }
        }
    }

    // { TextureID 16, TextureIndex U8, HostName var1 }
    private static void FindCached(ReadOnlySpan<byte> blocks, int count, Action<Guid> found)
    {
        for (; count > 0 && blocks.Length >= 18; count--)
        {
            Report(blocks, found);
            int length = 18 + blocks[17];
            blocks = length <= blocks.Length ? blocks[length..] : default;
        }
    }

    /// <summary>A TextureEntry behind its length; one that is cut off counts as far as it goes.</summary>
    private static void FindInFaces(ReadOnlySpan<byte> field, Action<Guid> found)
    {
        if (field.Length < 2)
        {
            return;
        }

        ReadOnlySpan<byte> bytes = field[2..];
        var entry = new TextureEntry(bytes[..Math.Min(bytes.Length, BinaryPrimitives.ReadUInt16LittleEndian(field))]);
        Span<Guid> faces = stackalloc Guid[BakedFaces.Length];
        faces.Clear();
        while (entry.TryNext(out ulong mask, out Guid texture))
        {
            for (int i = 0; i < faces.Length; i++)
            {
                faces[i] = (mask >> BakedFaces[i] & 1) != 0 ? texture : faces[i];
            }
        }

        for (int i = 0; i < faces.Length; i++)
        {
            if (faces[..i].IndexOf(faces[i]) < 0)
            {
                Report(faces[i], found);
            }
        }
    }

    private static void Report(ReadOnlySpan<byte> uuid, Action<Guid> found) => Report(new Guid(uuid[..16], bigEndian: true), found);

    private static void Report(Guid texture, Action<Guid> found)
    {
        if (texture != Guid.Empty && texture != s_defaultAvatar)
        {
            found(texture);
        }
    }
}
