using System.Buffers.Binary;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Chaos.Parts;

/// <summary>What the virtual worlds consist of: which assets there are, and what each of them is in which world. The truth that everything is compared with.</summary>
internal sealed class Assets
{
    /// <summary>Shared through the cache grid.</summary>
    public const string Home = "login.example.org:8002";

    /// <summary>Where a Hypergrid teleport leads: has assets of the same names that are others, and is no business of the cache grid.</summary>
    public const string Abroad = "foreign.example.net";

    public const string HomeHost = "assets.example.org", AbroadHost = "assets.example.net";

    private readonly Dictionary<AssetKey, byte[]> _bytes = [];

    /// <summary>So many have been made in each world.</summary>
    public int Count { get; private set; }

    /// <summary>Told of every one that is new.</summary>
    public Action<AssetKey> Made { get; set; } = _ => { };

    /// <summary>Residents make more, up to so many in each world.</summary>
    public void Grow(int count)
    {
        for (; Count < count; Count++)
        {
            foreach (string world in (ReadOnlySpan<string>)[Home, Abroad])
            {
                AssetKey key = KeyOf(world, Count);
                _bytes[key] = Make(key.Type, (2 * Count) + (world == Home ? 0 : 1));
                Made(key);
            }
        }
    }

    public static AssetKey KeyOf(string world, int number)
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteInt32BigEndian(id, 0x6C0C_A000);
        id[6] = 0x40;
        id[8] = 0x80;
        BinaryPrimitives.WriteInt32BigEndian(id[12..], number);
        AssetType type = (number % 10) switch { 7 => AssetType.Sound, 8 => AssetType.Animation, 9 => AssetType.Mesh, _ => AssetType.Texture };
        return new AssetKey(world, type, new Guid(id, bigEndian: true));
    }

    /// <summary>What it is. Null: there is no such asset.</summary>
    public byte[]? Of(AssetKey key) => _bytes.GetValueOrDefault(key);

    /// <summary>Something that it is not, and that would pass for it; another for each liar.</summary>
    public static byte[] Lie(AssetKey key, int liar) => Make(key.Type, 10_000_000 + (8 * NumberOf(key)) + liar);

    private static int NumberOf(AssetKey key)
    {
        Span<byte> id = stackalloc byte[16];
        key.Id.TryWriteBytes(id, bigEndian: true, out _);
        return BinaryPrimitives.ReadInt32BigEndian(id[12..]);
    }

    private static byte[] Make(AssetType type, int seed) => type switch
    {
        AssetType.Sound => SyntheticAssets.Sound(seed, 3000 + (seed % 7 * 500)),
        AssetType.Animation => SyntheticAssets.Animation(seed, 5 + (seed % 9)),
        AssetType.Mesh => SyntheticAssets.Mesh(seed, 4000 + (seed % 5 * 900)),
        _ => SyntheticAssets.Texture(seed, 2000 + (seed % 11 * 700), 64, 64),
    };
}
