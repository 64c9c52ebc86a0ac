using System.Buffers;
using System.IO.Compression;

namespace GlobalCache.Policy.Assets;

/// <summary>
/// Proves that bytes are exactly one zlib stream: it inflates, its Adler-32 is right, and no byte is missing or left over. What
/// comes out is counted and thrown away.
/// </summary>
internal static class ZlibBlock
{
    /// <summary>How much <paramref name="block"/> inflates to, or -1 when it is no such stream or holds more than <paramref name="limit"/>.</summary>
    public static unsafe long Inflate(ReadOnlySpan<byte> block, long limit)
    {
        if (block.Length < 2 || block[0] != 0x78) return -1;
        byte[] sink = ArrayPool<byte>.Shared.Rent(32 << 10);
        try
        {
            fixed (byte* first = block)
            {
                using var source = new LastByteAlone(first, block.Length);
                using var inflater = new ZLibStream(source, CompressionMode.Decompress, leaveOpen: true);
                long total = 0;
                for (int read; (read = inflater.Read(sink)) > 0;)
                    if ((total += read) > limit) return -1;
                return source.WasReadExactly ? total : -1;
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // The second where a stream wants a dictionary that nobody has.
            return -1;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sink);
        }
    }

    /// <summary>
    /// The inflater reads ahead and does not tell where its stream ended. Handing it the last byte in a read of its own does: a
    /// stream that ends early never asks for that byte, one that is cut off asks for more.
    /// </summary>
    private sealed unsafe class LastByteAlone(byte* first, int length) : UnmanagedMemoryStream(first, length)
    {
        private bool _askedForMore;

        public bool WasReadExactly => Position == Length && !_askedForMore;

        // The base class reads into a span by way of this one.
        public override int Read(byte[] buffer, int offset, int count)
        {
            long left = Length - Position;
            _askedForMore |= left == 0;
            return base.Read(buffer, offset, (int)Math.Min(count, left > 1 ? left - 1 : left));
        }
    }
}
