using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;

namespace GlobalCache.TestGrid;

/// <summary>An asset as the grid's asset service holds it: its number in the asset type table and its bytes.</summary>
public sealed record GridAsset(int Type, byte[] Bytes);

/// <summary>What the grid holds, by UUID alone: the type of a request is only a claim (PROTOCOL §3.3).</summary>
public sealed class GridAssets
{
    /// <summary>The picture OpenSimulator sends by UDP for a texture it does not have.</summary>
    public static readonly Guid StandInPicture = new("5748decc-f629-461c-9a36-a35a221fe21f");

    /// <summary>A recorded texture of 8 124 bytes.</summary>
    public static readonly Guid SmallTexture = new("6c0ca000-0000-4000-8000-000000000002");

    /// <summary>A recorded texture of 98 052 bytes.</summary>
    public static readonly Guid LargeTexture = new("6c0ca000-0000-4000-8000-000000000003");

    private readonly ConcurrentDictionary<Guid, GridAsset> held = new();

    internal GridAssets(bool recorded)
    {
        held[StandInPicture] = new GridAsset(0, Blank());
        if (!recorded) return;
        using JsonDocument manifest = JsonDocument.Parse(Resource("manifest.json"));
        foreach (JsonElement asset in manifest.RootElement.GetProperty("assets").EnumerateArray())
        {
            string id = asset.GetProperty("uuid").GetString()!;
            held[Guid.Parse(id)] = new GridAsset(asset.GetProperty("type").GetInt32(), Resource("assets." + id));
        }
    }

    /// <summary>Every UUID held.</summary>
    public IReadOnlyCollection<Guid> Ids => [.. held.Keys];

    /// <summary>Adds or replaces one.</summary>
    public void Put(Guid id, int type, byte[] bytes) => held[id] = new GridAsset(type, bytes);

    /// <summary>Takes one away.</summary>
    public void Remove(Guid id) => held.TryRemove(id, out _);

    /// <summary>Null when the grid does not hold it.</summary>
    public GridAsset? Find(Guid id) => held.GetValueOrDefault(id);

    /// <summary>The smallest recorded texture with a comment segment of its own after SIZ: valid, and no other asset's bytes.</summary>
    private static byte[] Blank()
    {
        ReadOnlySpan<byte> tiny = Resource("assets.6c0ca000-0000-4000-8000-000000000001");
        int afterSiz = 4 + ((tiny[4] << 8) | tiny[5]);
        return [.. tiny[..afterSiz], 0xFF, 0x64, 0x00, 0x09, 0x00, 0x01, .. "blank"u8, .. tiny[afterSiz..]];
    }

    /// <summary>A file compiled into this program.</summary>
    internal static byte[] Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new FileNotFoundException(name);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
