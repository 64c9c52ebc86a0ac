using GlobalCache.Client.Lludp;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// Finds the assets that messages from a sim name, before the viewer asks for them (PROTOCOL §6.3). Hints are optional: whatever looks odd ends
/// the reading of its message. Nothing is read of avatars' faces, which are baked, nor of materials, which are no assets of ours.
/// </summary>
internal static class AssetHints
{
    private const byte Volume = 9;
    private const byte Avatar = 47;

    /// <summary>Whether the message can name any; only then its body need be opened.</summary>
    public static bool MayName(Message message) => message is Message.PreloadSound or Message.SoundTrigger or Message.AttachedSound
        or Message.AvatarAnimation or Message.ObjectAnimation or Message.ObjectUpdate or Message.ObjectUpdateCompressed
        or Message.ImprovedTerseObjectUpdate or Message.RegionHandshake;

    /// <summary>Reports every asset the decoded body names, as far as it can be read; the same one perhaps several times.</summary>
    public static void Find(Message message, ReadOnlySpan<byte> body, IUdpAssets assets)
    {
        var fields = new FieldReader(body);
        switch (message)
        {
            case Message.PreloadSound:
                for (int count = fields.U8(); count > 0 && !fields.Failed; count--)
                {
                    fields.Skip(32);                                    // ObjectID, OwnerID
                    Report(AssetType.Sound, fields.Id(), assets);
                }

                break;
            case Message.SoundTrigger or Message.AttachedSound:
                Report(AssetType.Sound, fields.Id(), assets);
                break;
            case Message.AvatarAnimation or Message.ObjectAnimation:
                fields.Skip(16);                                        // Sender
                for (int count = fields.U8(); count > 0 && !fields.Failed; count--)
                {
                    Report(AssetType.Animation, fields.Id(), assets);
                    fields.Skip(4);                                     // AnimSequenceID
                }

                break;
            case Message.RegionHandshake:
                InHandshake(ref fields, assets);
                break;
            case Message.ObjectUpdate or Message.ObjectUpdateCompressed or Message.ImprovedTerseObjectUpdate:
                fields.Skip(10);                                        // RegionHandle U64, TimeDilation U16
                for (int count = fields.U8(); count > 0 && !fields.Failed; count--)
                {
                    InObject(message, ref fields, assets);
                }

                break;
        }
    }

    private static void InObject(Message message, ref FieldReader fields, IUdpAssets assets)
    {
        switch (message)
        {
            case Message.ObjectUpdate:
                InUpdate(ref fields, assets);
                break;
            case Message.ObjectUpdateCompressed:
                fields.Skip(4);                                         // UpdateFlags
                InPacked(new FieldReader(fields.Var2()), assets);
                break;
            default:
                ReadOnlySpan<byte> data = fields.Var1();                // ID U32, State U8, whether it is an avatar U8, motion
                var entry = new FieldReader(fields.Var2());
                if (data.Length > 5 && data[5] == 0 && !entry.AtEnd)
                {
                    InFaces(entry.Var4(), assets);
                }

                break;
        }
    }

    // TerrainBase is what older grids name instead; viewers load whichever they draw.
    private static void InHandshake(ref FieldReader fields, IUdpAssets assets)
    {
        fields.Skip(5);                                                 // RegionFlags U32, SimAccess U8
        fields.Var1();                                                  // SimName
        fields.Skip(16 + 1 + 4 + 4 + 16);                               // SimOwner, IsEstateManager, WaterHeight, BillableFactor, CacheID
        for (int i = 0; i < 8; i++)
        {
            Report(AssetType.Texture, fields.Id(), assets);
        }
    }

    private static void InUpdate(ref FieldReader fields, IUdpAssets assets)
    {
        fields.Skip(4 + 1 + 16 + 4);                                    // ID, State, FullID, CRC
        byte code = fields.U8();
        fields.Skip(1 + 1 + 12);                                        // Material, ClickAction, Scale
        fields.Var1();                                                  // ObjectData
        fields.Skip(4 + 4 + 23);                                        // ParentID, UpdateFlags, path and profile
        ReadOnlySpan<byte> faces = fields.Var2();
        fields.Var1();                                                  // TextureAnim
        fields.Var2();                                                  // NameValue
        fields.Var2();                                                  // Data
        fields.Var1();                                                  // Text
        fields.Skip(4);                                                 // TextColor
        fields.Var1();                                                  // MediaURL
        fields.Var1();                                                  // PSBlock
        ReadOnlySpan<byte> extra = fields.Var1();
        Guid sound = fields.Id();
        fields.Skip(16 + 4 + 1 + 4 + 1 + 12 + 12);                      // OwnerID, Gain, Flags, Radius, JointType, JointPivot, JointAxisOrAnchor
        if (fields.Failed)
        {
            return;
        }

        if (code != Avatar)
        {
            InFaces(faces, assets);
        }

        var parameters = new FieldReader(extra);
        InExtra(ref parameters, assets);
        Report(AssetType.Sound, sound, assets);
    }

    /// <summary>The data of ObjectUpdateCompressed: what is in it is told by flags. Read to its end before any of it is believed.</summary>
    private static void InPacked(FieldReader fields, IUdpAssets assets)
    {
        fields.Skip(16 + 4);                                            // FullID, ID
        byte code = fields.U8();
        fields.Skip(1 + 4 + 1 + 1 + 12 + 12 + 12);                      // State, CRC, Material, ClickAction, Scale, position, rotation
        var flags = (Packed)fields.U32();
        fields.Skip(16);                                                // OwnerID
        fields.Skip(Has(flags, Packed.AngularVelocity) ? 12u : 0);
        fields.Skip(Has(flags, Packed.Parent) ? 4u : 0);
        if (Has(flags, Packed.Tree))
        {
            fields.Skip(1);
        }
        else if (Has(flags, Packed.ScratchPad))
        {
            fields.Var4();
        }

        if (Has(flags, Packed.Text))
        {
            fields.SkipText();
            fields.Skip(4);                                             // its colour
        }

        if (Has(flags, Packed.MediaUrl))
        {
            fields.SkipText();
        }

        fields.Skip(Has(flags, Packed.LegacyParticles) ? 86u : 0);
        FieldReader extra = fields;
        PassExtra(ref fields);
        Guid sound = Has(flags, Packed.Sound) ? fields.Id() : Guid.Empty;
        fields.Skip(Has(flags, Packed.Sound) ? 9u : 0);              // gain F32, flags U8, radius F32
        if (Has(flags, Packed.NameValues))
        {
            fields.SkipText();
        }

        ReadOnlySpan<byte> faces = default;
        if (code == Volume)
        {
            fields.Skip(23);                                            // path and profile
            faces = fields.Var4();
        }

        if (fields.Failed)
        {
            return;
        }

        InFaces(faces, assets);
        InExtra(ref extra, assets);
        Report(AssetType.Sound, sound, assets);
    }

    private static void InFaces(ReadOnlySpan<byte> bytes, IUdpAssets assets)
    {
        var entry = new TextureEntry(bytes);
        while (entry.TryNext(out _, out Guid texture))
        {
            Report(AssetType.Texture, texture, assets);
        }
    }

    /// <summary>ExtraParams: count U8, then { type U16, length U32, data }.</summary>
    private static void InExtra(ref FieldReader fields, IUdpAssets assets)
    {
        const ushort Sculpt = 0x30, LightImage = 0x40;
        for (int count = fields.U8(); count > 0 && !fields.Failed; count--)
        {
            ushort type = fields.U16();
            var data = new FieldReader(fields.Var4());
            if (type is Sculpt or LightImage)
            {
                Guid id = data.Id();
                int kind = type == Sculpt ? data.U8() & 7 : 1;
                if (!data.Failed && kind is >= 1 and <= 5)
                {
                    Report(kind == 5 ? AssetType.Mesh : AssetType.Texture, id, assets);
                }
            }
        }
    }

    private static void PassExtra(ref FieldReader fields)
    {
        for (int count = fields.U8(); count > 0 && !fields.Failed; count--)
        {
            fields.Skip(2);
            fields.Var4();
        }
    }

    private static void Report(AssetType type, Guid id, IUdpAssets assets)
    {
        if (id != Guid.Empty)
        {
            assets.Hint(type, id);
        }
    }

    private static bool Has(Packed flags, Packed flag) => (flags & flag) != Packed.None;

    [Flags]
    private enum Packed : uint
    {
        None = 0,
        ScratchPad = 0x01,
        Tree = 0x02,
        Text = 0x04,
        LegacyParticles = 0x08,
        Sound = 0x10,
        Parent = 0x20,
        AngularVelocity = 0x80,
        NameValues = 0x100,
        MediaUrl = 0x200,
    }
}
