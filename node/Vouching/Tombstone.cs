using System.Buffers.Binary;

namespace GlobalCache.Node.Vouching;

/// <summary>What lies under <c>a/&lt;name&gt;</c>: a blob, which makes the asset public, or a tombstone, which keeps an old blob from coming back.</summary>
internal static class Tombstone
{
    private const int Length = 8;

    private static ReadOnlySpan<byte> Magic => "GCT1"u8;

    public static byte[] Of(uint epoch)
    {
        byte[] bytes = new byte[Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), epoch);
        return bytes;
    }

    public static bool TryRead(ReadOnlySpan<byte> bytes, out uint epoch)
    {
        bool is_ = bytes.Length == Length && bytes.StartsWith(Magic);
        epoch = is_ ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) : 0;
        return is_;
    }
}
