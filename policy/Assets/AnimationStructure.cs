using System.Buffers.Binary;

namespace GlobalCache.Policy.Assets;

/// <summary>
/// Key-frame motions (PROTOCOL §7.5): little-endian, no lengths but counts, so the walk has to end exactly at the file's end.
/// Every count is held against the bytes that are left before anything is stepped over.
/// </summary>
internal static class AnimationStructure
{
    private const int MaxJoints = 216, MaxConstraints = 10, MaxTrailing = 4;
    private const float MaxSeconds = 60;

    public static StructureResult Check(ReadOnlySpan<byte> bytes)
    {
        var walk = new Walk(bytes);
        uint version = walk.U32();
        // Version 1.0 packs a key into four U16; 0.1 spends a float for each.
        if (version is not (0x0000_0001 or 0x0001_0000)) return StructureResult.Invalid("no animation of a known version");
        int keyFloats = version == 0x0001_0000 ? 4 : 0;

        walk.Skip(4);
        float duration = walk.F32();
        if (!(duration >= 0 && duration <= MaxSeconds)) return StructureResult.Invalid("duration");
        walk.Text();
        walk.Floats(2);
        walk.Skip(4);
        walk.Floats(2);
        walk.Skip(4);

        uint joints = walk.U32();
        if (walk.Bad || joints is 0 or > MaxJoints) return StructureResult.Invalid("number of joints");
        for (uint joint = 0; joint < joints && !walk.Bad; joint++)
        {
            walk.Text();
            walk.Skip(4);
            walk.Keys(keyFloats);
            walk.Keys(keyFloats);
        }

        uint constraints = walk.U32();
        if (walk.Bad) return StructureResult.Invalid("ends too early, or a number that is none");
        if (constraints > MaxConstraints) return StructureResult.Invalid("number of constraints");
        for (uint constraint = 0; constraint < constraints; constraint++)
        {
            walk.Skip(2 + 16);
            walk.Floats(3);
            walk.Skip(16);
            walk.Floats(3 + 3 + 4);
        }
        if (walk.Bad) return StructureResult.Invalid("ends too early, or a number that is none");
        return walk.Left switch
        {
            0 => StructureResult.Valid,
            <= MaxTrailing => new(StructureVerdict.Valid, "bytes after the end"),
            _ => StructureResult.Invalid("too many bytes after the end"),
        };
    }

    /// <summary>A reader that, once it has failed, stays failed and answers zeros.</summary>
    private ref struct Walk(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public bool Bad { get; private set; }

        public readonly int Left => _rest.Length;

        public uint U32() => Take(4) is { Length: 4 } b ? BinaryPrimitives.ReadUInt32LittleEndian(b) : 0;

        public float F32()
        {
            float value = Take(4) is { Length: 4 } b ? BinaryPrimitives.ReadSingleLittleEndian(b) : 0;
            Bad |= !float.IsFinite(value);
            return value;
        }

        public void Floats(int count)
        {
            for (int i = 0; i < count; i++) F32();
        }

        public void Skip(long count) => Take(count);

        /// <summary>A string that ends with a zero byte.</summary>
        public void Text()
        {
            int end = _rest.IndexOf((byte)0);
            Bad |= end < 0;
            Take(end + 1);
        }

        /// <summary>A count, then that many keys: four U16 each, or <paramref name="floats"/> floats.</summary>
        public void Keys(int floats)
        {
            uint count = U32();
            ReadOnlySpan<byte> keys = Take((long)count * (floats == 0 ? 8 : floats * 4));
            for (; floats != 0 && keys.Length >= 4; keys = keys[4..])
                Bad |= !float.IsFinite(BinaryPrimitives.ReadSingleLittleEndian(keys));
        }

        private ReadOnlySpan<byte> Take(long count)
        {
            Bad |= count > _rest.Length;
            if (Bad) return default;
            ReadOnlySpan<byte> taken = _rest[..(int)count];
            _rest = _rest[(int)count..];
            return taken;
        }
    }
}
