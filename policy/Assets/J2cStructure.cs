using System.Buffers.Binary;

namespace GlobalCache.Policy.Assets;

/// <summary>
/// JPEG 2000 codestreams (ISO 15444-1 annex A; PROTOCOL §7.5): main header, then from tile-part to tile-part by their own
/// lengths, which must land exactly on the end marker. The first 600 bytes of a truncated texture look perfect: only the walk tells.
/// </summary>
internal static class J2cStructure
{
    private const ushort Soc = 0xFF4F, Siz = 0xFF51, Cod = 0xFF52, Qcd = 0xFF5C, Sot = 0xFF90, Sod = 0xFF93, Eoc = 0xFFD9;
    private const int MaxSide = 4096, MaxComponents = 5, MaxTrailing = 16;

    /// <summary>A tile-part's smallest length: SOT segment and SOD.</summary>
    private const int SmallestTilePart = 14;

    public static StructureResult Check(ReadOnlySpan<byte> bytes)
    {
        if (Marker(bytes, 0) != Soc || Marker(bytes, 2) != Siz) return StructureResult.Invalid("no JPEG 2000 codestream");
        if (!TrySize(bytes, out int at, out int tiles, out string reason)) return StructureResult.Invalid(reason);
        if (!TryMainHeader(bytes, ref at)) return StructureResult.Invalid("the main header is not whole");

        for (bool first = true; ; first = false)
        {
            int marker = Marker(bytes, at);
            if (marker == Eoc && !first) return AtEnd(bytes, at);
            if (marker != Sot)
            {
                return first ? StructureResult.Invalid("no tile-part")
                    : StructureResult.Incomplete(at == bytes.Length ? "no end marker" : "a tile-part's length leads nowhere");
            }
            if (bytes.Length - at < SmallestTilePart || BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]) != 10)
                return TilePart("a tile-part's header is not whole", first);
            if (BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 4)..]) >= tiles) return StructureResult.Invalid("a tile outside the picture");

            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + 6)..]);
            if (length == 0) return UpToEnd(bytes, at);
            // Anything shorter than its own header would walk in a circle.
            if (length < SmallestTilePart) return StructureResult.Invalid("a tile-part shorter than its header");
            if (length > (uint)(bytes.Length - at)) return TilePart("a tile-part passes the end", first && !HasData(bytes[at..]));
            if (!HasData(bytes.Slice(at, (int)length))) return StructureResult.Invalid("a tile-part without data");
            at += (int)length;
        }
    }

    /// <summary>A broken first tile-part leaves nothing to show.</summary>
    private static StructureResult TilePart(string reason, bool invalid) =>
        invalid ? StructureResult.Invalid(reason) : StructureResult.Incomplete(reason);

    /// <summary>The two bytes at <paramref name="at"/>, or -1 past the end.</summary>
    private static int Marker(ReadOnlySpan<byte> bytes, int at) =>
        bytes.Length - at >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]) : -1;

    /// <summary>The SIZ segment; <paramref name="next"/> is the offset behind it.</summary>
    private static bool TrySize(ReadOnlySpan<byte> bytes, out int next, out int tiles, out string reason)
    {
        (next, tiles, reason) = (0, 0, "the size segment is not whole");
        ReadOnlySpan<byte> siz = bytes[4..];
        if (siz.Length < 38) return false;
        int components = BinaryPrimitives.ReadUInt16BigEndian(siz[36..]);
        int length = 38 + (3 * components);
        reason = "number of components";
        if (components is 0 or > MaxComponents) return false;
        reason = "the size segment is not whole";
        if (BinaryPrimitives.ReadUInt16BigEndian(siz) != length || siz.Length < length) return false;

        reason = "picture size";
        if (!TryAxis(siz[4..], out long across) || !TryAxis(siz[8..], out long down)) return false;
        // Tile numbers are 16 bits wide.
        if (across * down > 65535) return false;
        reason = "component sampling";
        for (int i = 38; i < length; i += 3)
            if (siz[i + 1] == 0 || siz[i + 2] == 0) return false;
        tiles = (int)(across * down);
        next = 4 + length;
        return true;
    }

    /// <summary>One axis: extent, then at +8 its offset, at +16 the tile's extent, at +24 the tile's offset; width and height alternate.</summary>
    private static bool TryAxis(ReadOnlySpan<byte> axis, out long tiles)
    {
        long extent = BinaryPrimitives.ReadUInt32BigEndian(axis);
        long offset = BinaryPrimitives.ReadUInt32BigEndian(axis[8..]);
        long tile = BinaryPrimitives.ReadUInt32BigEndian(axis[16..]);
        long tileOffset = BinaryPrimitives.ReadUInt32BigEndian(axis[24..]);
        tiles = 0;
        if (extent <= offset || extent - offset > MaxSide || tile == 0 || tileOffset > offset || tileOffset + tile <= offset) return false;
        tiles = (extent - tileOffset + tile - 1) / tile;
        return true;
    }

    /// <summary>Skips marker segments up to the first SOT; coding style and quantisation must be among them.</summary>
    private static bool TryMainHeader(ReadOnlySpan<byte> bytes, ref int at)
    {
        bool cod = false, qcd = false;
        for (int marker; (marker = Marker(bytes, at)) != Sot;)
        {
            if (!TrySegment(bytes, ref at)) return false;
            cod |= marker == Cod;
            qcd |= marker == Qcd;
        }
        return cod && qcd;
    }

    /// <summary>Steps over one marker segment that states its length (FF50 – FF8F, which leaves out every delimiter).</summary>
    private static bool TrySegment(ReadOnlySpan<byte> bytes, ref int at)
    {
        if (Marker(bytes, at) is < 0xFF50 or > 0xFF8F || bytes.Length - at < 4) return false;
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
        if (length < 2 || length > bytes.Length - at - 2) return false;
        at += 2 + length;
        return true;
    }

    /// <summary>Whether the tile-part's own header leads to its data.</summary>
    private static bool HasData(ReadOnlySpan<byte> tilePart)
    {
        int at = 12;
        while (Marker(tilePart, at) != Sod)
            if (!TrySegment(tilePart, ref at)) return false;
        return true;
    }

    /// <summary>Length 0: the last tile-part, which runs up to the end marker.</summary>
    private static StructureResult UpToEnd(ReadOnlySpan<byte> bytes, int at)
    {
        if (!HasData(bytes[at..])) return StructureResult.Invalid("a tile-part without data");
        // Coded data never holds a marker of FF90 and above, so the last one found is the end marker.
        int tail = Math.Max(at + SmallestTilePart, bytes.Length - MaxTrailing - 2);
        int end = bytes[tail..].LastIndexOf([(byte)(Eoc >> 8), (byte)(Eoc & 0xFF)]);
        return end < 0 ? StructureResult.Incomplete("no end marker") : AtEnd(bytes, tail + end);
    }

    private static StructureResult AtEnd(ReadOnlySpan<byte> bytes, int at) => (bytes.Length - at - 2) switch
    {
        0 => StructureResult.Valid,
        <= MaxTrailing => new(StructureVerdict.Valid, "bytes after the end marker"),
        _ => StructureResult.Invalid("too many bytes after the end marker"),
    };
}
