using System.Buffers.Binary;
using System.Text;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>As much of a mesh's header as a viewer needs to ask for its parts: where the map ends, and each block's place.</summary>
internal sealed class MeshHeader
{
    private readonly Dictionary<string, (int Offset, int Size)> blocks = [];

    /// <summary>Bytes before the first block; offsets count from here.</summary>
    public int Length { get; private init; }

    /// <summary>Where a block lies in the file; null when the mesh has none of this name.</summary>
    public (int From, int Size)? Block(string name) =>
        blocks.TryGetValue(name, out (int Offset, int Size) block) && block.Size > 0 ? (Length + block.Offset, block.Size) : null;

    /// <summary>Null: no binary LLSD map.</summary>
    public static MeshHeader? TryRead(ReadOnlySpan<byte> file)
    {
        var found = new Dictionary<string, Dictionary<string, int>>();
        int at = file.StartsWith("<? LLSD/Binary ?>\n"u8) ? 18 : 0;
        try
        {
            Skip(file, ref at, "", found);
        }
        catch (Exception ended) when (ended is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            return null;
        }

        var header = new MeshHeader { Length = at };
        foreach ((string name, Dictionary<string, int> numbers) in found)
        {
            if (numbers.TryGetValue("offset", out int offset) && numbers.TryGetValue("size", out int size)) header.blocks[name] = (offset, size);
        }

        return header;
    }

    /// <summary>Passes one value; integers of maps inside the top map are noted as path "block", key.</summary>
    private static void Skip(ReadOnlySpan<byte> file, ref int at, string path, Dictionary<string, Dictionary<string, int>> found)
    {
        byte kind = file[at..][0];
        at++;
        switch ((char)kind)
        {
            case '!' or '1' or '0': return;
            case 'i':
                int value = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
                at += 4;
                int slash = path.LastIndexOf('/');
                if (slash <= 0) return;
                string block = path[1..slash];
                if (!found.TryGetValue(block, out Dictionary<string, int>? numbers)) found[block] = numbers = [];
                numbers[path[(slash + 1)..]] = value;
                return;
            case 'r' or 'd': at += 8; return;
            case 'u': at += 16; return;
            case 's' or 'l' or 'b': at += 4 + BinaryPrimitives.ReadInt32BigEndian(file[at..]); return;
            case '[' or '{':
                int count = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
                at += 4;
                for (int i = 0; i < count; i++)
                {
                    string key = "";
                    if (kind == '{')
                    {
                        int length = BinaryPrimitives.ReadInt32BigEndian(file[(at + 1)..]);
                        key = Encoding.UTF8.GetString(file.Slice(at + 5, length));
                        at += 5 + length;
                    }

                    Skip(file, ref at, path + "/" + key, found);
                }

                at++;
                return;
            default: throw new ArgumentOutOfRangeException(nameof(file));
        }
    }
}
