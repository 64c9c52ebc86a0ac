using System.Buffers.Binary;
using GlobalCache.Policy.Assets;
using ZstdSharp;

namespace GlobalCache.Policy.Sealing;

/// <summary>Whether a sealing tries to compress.</summary>
public enum SealCompression
{
    /// <summary>Never: byte ranges of the sealed asset can be opened alone. The client's local store.</summary>
    None,

    /// <summary>
    /// zstd-3, kept only if it saves at least 5 % and 512 bytes; for textures and meshes, which are compressed already, tried only
    /// if zstd-1 on 4 KiB from their middle saves 5 % (SECURITY §1). Animations with a dictionary of what all of them hold. The shared store.
    /// </summary>
    WhereItSaves,
}

/// <summary>The zstd codec of the sealed asset: when to compress, and decompression that cannot be made to grow.</summary>
internal static class Compression
{
    private const int SampleBytes = 4096;
    private const int MaxWindowBytes = 8 << 20;

    /// <summary>Compresses if the rule of <see cref="SealCompression.WhereItSaves"/> says it is worth it.</summary>
    public static bool TryCompress(AssetType type, ReadOnlySpan<byte> plain, out byte[] coded, out byte dictionary)
    {
        (coded, dictionary) = ([], SealDictionaries.For(type));
        if (plain.Length <= 512) return false;
        if (type is AssetType.Texture or AssetType.Mesh)
        {
            ReadOnlySpan<byte> sample = plain.Length <= SampleBytes ? plain : plain.Slice((plain.Length - SampleBytes) / 2, SampleBytes);
            using Compressor quick = new(1);
            if (!Saves(sample.Length, quick.Wrap(sample).Length)) return false;
        }
        using Compressor compressor = new(3);
        if (dictionary != SealDictionaries.None)
        {
            compressor.LoadDictionary(SealDictionaries.Read(dictionary));
            // The inner header names it, so that a frame alone says nothing of it.
            compressor.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_dictIDFlag, 0);
        }
        Span<byte> compressed = compressor.Wrap(plain);
        if (!Saves(plain.Length, compressed.Length) || plain.Length - compressed.Length < 512) return false;
        coded = compressed.ToArray();
        return true;
    }

    /// <summary>
    /// Decompresses into exactly <paramref name="plain"/>, with a dictionary that must be known. False unless <paramref name="coded"/> is one sound frame that states that
    /// very length, names no dictionary and needs a window of at most 8 MiB. Never writes or allocates beyond that.
    /// </summary>
    public static bool TryDecompress(ReadOnlySpan<byte> coded, Span<byte> plain, byte dictionary)
    {
        if (!IsOneFrame(coded, (ulong)plain.Length)) return false;
        try
        {
            using Decompressor decompressor = new();
            if (dictionary != SealDictionaries.None) decompressor.LoadDictionary(SealDictionaries.Read(dictionary));
            return decompressor.TryUnwrap(coded, plain, out int written) && written == plain.Length;
        }
        catch (ZstdException)
        {
            return false;
        }
    }

    private static bool Saves(int before, int after) => (long)after * 100 <= (long)before * 95;

    /// <summary>
    /// Walks the frame header and block headers (RFC 8878 §3.1.1). The library would also take several frames in a row, skippable
    /// ones, and any window.
    /// </summary>
    private static bool IsOneFrame(ReadOnlySpan<byte> coded, ulong plainLength)
    {
        if (coded.Length < 9 || BinaryPrimitives.ReadUInt32LittleEndian(coded) != 0xFD2FB528) return false;
        int descriptor = coded[4], at = 5;
        bool singleSegment = (descriptor & 0x20) != 0, checksum = (descriptor & 0x04) != 0;
        if ((descriptor & 0x08) != 0 || (descriptor & 0x03) != 0) return false;     // reserved bit, dictionary id
        if (!singleSegment)
        {
            int window = coded[at++], exponent = window >> 3;
            if (exponent > 13) return false;                                        // 2^(10+13) = 8 MiB
            if ((1L << (10 + exponent)) + ((1L << (10 + exponent)) / 8 * (window & 7)) > MaxWindowBytes) return false;
        }
        else if (plainLength > MaxWindowBytes)
        {
            return false;
        }
        int sizeBytes = (descriptor >> 6) switch { 0 => singleSegment ? 1 : 0, 1 => 2, 2 => 4, _ => 8 };
        if (sizeBytes == 0 || coded.Length < at + sizeBytes) return false;
        ulong stated = 0;
        for (int i = sizeBytes - 1; i >= 0; i--) stated = stated << 8 | coded[at + i];
        if (sizeBytes == 2) stated += 256;
        if (stated != plainLength) return false;
        at += sizeBytes;
        while (coded.Length - at >= 3)
        {
            int block = coded[at] | coded[at + 1] << 8 | coded[at + 2] << 16, type = block >> 1 & 3;
            at += 3 + (type == 1 ? 1 : block >> 3);                                 // an RLE block holds one byte
            if ((block & 1) != 0) return at + (checksum ? 4 : 0) == coded.Length;
        }
        return false;
    }
}
