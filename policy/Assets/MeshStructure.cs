namespace GlobalCache.Policy.Assets;

/// <summary>
/// Meshes (PROTOCOL §7.5): a binary LLSD map that names blocks by offset and size, counted from the map's end, each of them one
/// zlib stream. Blocks must lie in the file, apart from one another, and inflate to their own checksum with their exact size.
/// </summary>
internal static class MeshStructure
{
    private const int MaxHeader = 64 << 10, MaxBlocks = 32, MaxVersion = 999;
    private const long MaxInflatedBlock = 64L << 20, MaxInflated = 128L << 20;

    public static StructureResult Check(ReadOnlySpan<byte> bytes)
    {
        Span<(int Offset, int Size)> found = stackalloc (int, int)[MaxBlocks];
        if (!TryHeader(bytes[..Math.Min(bytes.Length, MaxHeader)], found, out int count, out int header, out string reason))
            return StructureResult.Invalid(reason);

        Span<(int Offset, int Size)> blocks = found[..count];
        blocks.Sort(static (a, b) => a.Offset.CompareTo(b.Offset));
        long end = 0, inflated = 0;
        foreach ((int offset, int size) in blocks)
        {
            if (offset < end) return StructureResult.Invalid("blocks overlap");
            end = (long)offset + size;
        }
        if (header + end > bytes.Length) return StructureResult.Invalid("a block passes the end");
        foreach ((int offset, int size) in blocks)
        {
            long length = ZlibBlock.Inflate(bytes.Slice(header + offset, size), Math.Min(MaxInflatedBlock, MaxInflated - inflated));
            if (length < 0) return StructureResult.Invalid("a block does not inflate to its sum, its size or the bound");
            inflated += length;
        }
        return header + end == bytes.Length ? StructureResult.Valid : new(StructureVerdict.Valid, "bytes after the last block");
    }

    /// <summary>Reads the map at the start; blocks of size 0 are left out.</summary>
    private static bool TryHeader(
        ReadOnlySpan<byte> bytes, Span<(int Offset, int Size)> blocks, out int count, out int end, out string reason)
    {
        (count, end, reason) = (0, 0, "no mesh header");
        var reader = new BinaryLlsdReader(bytes);
        if (!reader.Read() || reader.Token != LlsdToken.MapStart) return false;
        bool detail = false;
        while (reader.Read() && reader.Token == LlsdToken.Key)
        {
            ReadOnlySpan<byte> key = reader.Value;
            if (key.ContainsAnyExceptInRange((byte)' ', (byte)'~')) return false;
            // A grid's "not found" in the shape of a mesh.
            if (key.SequenceEqual("404"u8)) return Because("a negative answer", out reason);
            if (!reader.Read()) return false;
            if (reader.Token == LlsdToken.Integer && key.SequenceEqual("version"u8) && reader.Integer is < 0 or > MaxVersion)
                return Because("version", out reason);
            if (reader.Token != LlsdToken.MapStart)
            {
                if (!reader.Skip()) return false;
                continue;
            }
            if (!TryBlock(ref reader, out int offset, out int size)) return false;
            if (offset < 0 || size < 0) return Because("a negative offset or size", out reason);
            if (size == 0) continue;
            if (count == blocks.Length) return Because("too many blocks", out reason);
            blocks[count++] = (offset, size);
            detail |= key.EndsWith("_lod"u8);
        }
        if (reader.Token != LlsdToken.MapEnd || reader.Depth != 0) return false;
        end = reader.Position;
        return detail || Because("no level of detail", out reason);
    }

    /// <summary>The offset and size in a map; a map without both is no block (size 0).</summary>
    private static bool TryBlock(ref BinaryLlsdReader reader, out int offset, out int size)
    {
        int? foundOffset = null, foundSize = null;
        int depth = reader.Depth;
        while (reader.Read() && reader.Depth >= depth)
        {
            if (reader.Token != LlsdToken.Key) continue;
            bool isOffset = reader.Value.SequenceEqual("offset"u8), isSize = reader.Value.SequenceEqual("size"u8);
            if (!reader.Skip()) break;
            if (isOffset && reader.Token == LlsdToken.Integer) foundOffset = reader.Integer;
            if (isSize && reader.Token == LlsdToken.Integer) foundSize = reader.Integer;
        }
        (offset, size) = foundOffset is null || foundSize is null ? (0, 0) : (foundOffset.Value, foundSize.Value);
        return reader.Token == LlsdToken.MapEnd;
    }

    private static bool Because(string why, out string reason)
    {
        reason = why;
        return false;
    }
}
