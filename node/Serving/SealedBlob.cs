using System.Buffers.Text;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Serving;

/// <summary>A public asset as it is sent: sealed bytes, and the headers that go with them ready made, since deriving a key costs more than all else.</summary>
/// <param name="Name">Its object name.</param>
/// <param name="Bytes">The stored bytes.</param>
/// <param name="Key">Value of <see cref="Policy.Wire.NodeApi.AssetKeyHeader"/>. Never to be logged.</param>
/// <param name="Tag">Value of the ETag header: 16 bytes of the salt.</param>
/// <param name="Stored">The store's own tag of these bytes.</param>
internal sealed record SealedBlob(string Name, ReadOnlyMemory<byte> Bytes, string Key, string Tag, string Stored)
{
    private const int TagBytes = 16;

    /// <summary>Null: a tombstone, damage, or sealed under a key that is gone; nothing of it can be served.</summary>
    public static SealedBlob? TryRead(GridKeys keys, AssetKey key, string name, StoredObject there)
    {
        ReadOnlySpan<byte> bytes = there.Bytes.Span;
        if (SealedHeader.Read(bytes, out SealedHeader header) != SealFault.None || header.SealedLength != bytes.Length
            || bytes.Length > SealedLayout.MaxSealedLength(key.Type) || keys.GridKey(header.KeyId, key.GridId) is not { } gridKey) return null;
        Span<byte> contentKey = stackalloc byte[SealKeys.Length];
        SealKeys.DeriveContentKey(gridKey, header.Salt, key.Encode(), contentKey);
        // What was moved here from another name, or damaged in its header, is nobody's.
        if (!SealKeys.Commits(contentKey, header.Commitment)) return null;
        return new SealedBlob(name, there.Bytes, Base64Url.EncodeToString(contentKey), $"\"{Convert.ToHexStringLower(header.Salt[..TagBytes])}\"", there.ETag);
    }

    public override string ToString() => nameof(SealedBlob);
}
