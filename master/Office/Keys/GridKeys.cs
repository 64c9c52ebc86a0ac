using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Office.Keys;

/// <summary>
/// The secrets all nodes of a grid share (SECURITY §2), and what is derived from them: object names, the tags of claims, the keys of blobs and
/// records. Whoever reads the store without them sees noise under noise.
/// </summary>
/// <param name="Seal">K_seal by key id; the highest seals, all open.</param>
/// <param name="Name">K_name.</param>
/// <param name="Claim">K_claim.</param>
/// <param name="Challenge">K_chal: whose hits are withheld.</param>
internal sealed record GridKeys(IReadOnlyDictionary<uint, byte[]> Seal, byte[] Name, byte[] Claim, byte[] Challenge)
{
    private readonly ConcurrentDictionary<(uint KeyId, string GridId), byte[]> _gridKeys = new();

    /// <summary>The key new blobs and records are sealed with.</summary>
    public uint Newest => Seal.Keys.Max();

    /// <summary>The object name of an asset: hex HMAC-SHA256(K_name, encoded key).</summary>
    public string NameOf(AssetKey key) => Convert.ToHexStringLower(HMACSHA256.HashData(Name, key.Encode()));

    /// <summary>A tag that means one branch, network or host, for this asset only: HMAC(K_claim, name ‖ what).</summary>
    public ulong TagOf(string name, string what)
    {
        Span<byte> hash = stackalloc byte[SealKeys.Length];
        HMACSHA256.HashData(Claim, Encoding.UTF8.GetBytes(name + what), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    /// <summary>Whether this branch is not given this asset today: for <paramref name="share"/> of all, at random but the same on every node.</summary>
    public bool Withholds(string branch, string name, int day, double share)
    {
        Span<byte> hash = stackalloc byte[SealKeys.Length];
        HMACSHA256.HashData(Challenge, Encoding.UTF8.GetBytes($"{branch}/{name}/{day}"), hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash) < share * ulong.MaxValue;
    }

    /// <summary>K_grid of a grid, kept: deriving it costs more than a lookup. Null: no such key id.</summary>
    public byte[]? GridKey(uint keyId, string gridId) => Seal.TryGetValue(keyId, out byte[]? seal)
        ? _gridKeys.GetOrAdd((keyId, gridId), static (k, s) => SealKeys.DeriveGridKey(s, k.GridId), seal) : null;

    public override string ToString() => nameof(GridKeys);
}
