using System.Buffers.Binary;

namespace GlobalCache.Policy.Assets;

/// <summary>
/// OGG Vorbis sounds (RFC 3533, Vorbis I §4.2; PROTOCOL §7.5): every page's sum, one stream, pages in order, ending with the last
/// page. A flipped byte anywhere is caught.
/// </summary>
internal static class OggStructure
{
    private const int PageHeader = 27, First = 2, Last = 4;

    public static StructureResult Check(ReadOnlySpan<byte> bytes)
    {
        uint serial = 0;
        for (uint number = 0; ; number++)
        {
            if (bytes.Length < PageHeader || !bytes.StartsWith("OggS"u8) || bytes[4] != 0)
                return StructureResult.Invalid(number == 0 ? "no OGG page" : "no OGG page where one must be");
            int segments = bytes[26];
            if (bytes.Length < PageHeader + segments) return StructureResult.Invalid("a page is not whole");
            int length = PageHeader + segments;
            foreach (byte lacing in bytes.Slice(PageHeader, segments)) length += lacing;
            if (bytes.Length < length) return StructureResult.Invalid("a page is not whole");

            ReadOnlySpan<byte> page = bytes[..length], body = page[(PageHeader + segments)..];
            if (OggCrc.Page(page) != BinaryPrimitives.ReadUInt32LittleEndian(page[22..])) return StructureResult.Invalid("a page's sum is wrong");
            if (BinaryPrimitives.ReadUInt32LittleEndian(page[18..]) != number) return StructureResult.Invalid("page numbers");
            uint pageSerial = BinaryPrimitives.ReadUInt32LittleEndian(page[14..]);
            if (number == 0) serial = pageSerial;
            if (pageSerial != serial || (page[5] & First) != 0 != (number == 0)) return StructureResult.Invalid("more than one stream");
            if (number == 0 && (segments != 1 || !IsIdentification(body))) return StructureResult.Invalid("no Vorbis identification");
            if (number == 1 && !body.StartsWith("\u0003vorbis"u8)) return StructureResult.Invalid("no Vorbis comment header");

            bytes = bytes[length..];
            if ((page[5] & Last) != 0)
            {
                if (number == 0) return StructureResult.Invalid("no sound");
                return bytes.IsEmpty ? StructureResult.Valid : StructureResult.Invalid("bytes after the last page");
            }
            if (bytes.IsEmpty) return StructureResult.Invalid("no last page");
        }
    }

    /// <summary>The 30-byte identification packet: version 0, one or two channels, a rate, block sizes of 64 – 8 192, framing bit.</summary>
    private static bool IsIdentification(ReadOnlySpan<byte> packet) =>
        packet.Length == 30 && packet.StartsWith("\u0001vorbis"u8)
        && BinaryPrimitives.ReadUInt32LittleEndian(packet[7..]) == 0
        && packet[11] is 1 or 2
        && BinaryPrimitives.ReadUInt32LittleEndian(packet[12..]) is > 0 and <= 192_000
        && (packet[28] & 15) is >= 6 and <= 13 && packet[28] >> 4 is >= 6 and <= 13 && (packet[28] & 15) <= packet[28] >> 4
        && (packet[29] & 1) == 1;
}

/// <summary>
/// OGG's sum: CRC-32 of polynomial 04C11DB7, most significant bit first, starting at 0, nothing inverted. Not the CRC-32 of
/// zip (which is reflected), so not in System.IO.Hashing. Four bytes a step.
/// </summary>
internal static class OggCrc
{
    private static readonly uint[][] s_tables = Tables();

    /// <summary>The sum of one whole page, its own sum field (bytes 22 – 25) counted as zero.</summary>
    public static uint Page(ReadOnlySpan<byte> page)
    {
        uint crc = Add(0, page[..22]);
        crc = Add(crc, [0, 0, 0, 0]);
        return Add(crc, page[26..]);
    }

    private static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint[] t0 = s_tables[0], t1 = s_tables[1], t2 = s_tables[2], t3 = s_tables[3];
        for (; bytes.Length >= 4; bytes = bytes[4..])
        {
            uint x = crc ^ BinaryPrimitives.ReadUInt32BigEndian(bytes);
            crc = t3[x >> 24] ^ t2[(byte)(x >> 16)] ^ t1[(byte)(x >> 8)] ^ t0[(byte)x];
        }
        foreach (byte b in bytes) crc = (crc << 8) ^ t0[(crc >> 24) ^ b];
        return crc;
    }

    private static uint[][] Tables()
    {
        var tables = new uint[4][];
        for (int t = 0; t < 4; t++) tables[t] = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i << 24;
            for (int bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc >> 31) * 0x04C11DB7);
            tables[0][i] = crc;
        }
        for (int t = 1; t < 4; t++)
            for (int i = 0; i < 256; i++)
                tables[t][i] = (tables[t - 1][i] << 8) ^ tables[0][tables[t - 1][i] >> 24];
        return tables;
    }
}
