using System.Security.Cryptography;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Policy.Sealing;

/// <summary>
/// Seals one asset piece by piece, so that a file can be written without a second copy of the asset in memory. Write the
/// header, then every segment in order. <see cref="SealedAsset.Seal(AssetKey, ReadOnlySpan{byte}, ReadOnlySpan{byte}, uint, uint, SealCompression)"/>
/// does both at once.
/// </summary>
public ref struct AssetSealer : IDisposable
{
    private readonly SegmentCipher _cipher;
    private readonly ReadOnlySpan<byte> _coded;
    private readonly byte[] _header;
    private readonly byte[] _inner = new byte[InnerHeader.Length];
    private int _next;

    /// <summary>Prepares a sealing: compresses, hashes, derives the keys and completes the header with its commitment.</summary>
    /// <param name="key">The asset's name, authenticated by every segment.</param>
    /// <param name="plain">1 byte up to the type's cap. Must not change until the last segment is written.</param>
    /// <param name="gridKey">K_grid, 32 bytes (<see cref="SealKeys.DeriveGridKey"/>).</param>
    /// <param name="keyId">Which K_seal that came from.</param>
    /// <param name="epoch">The vouching record's epoch; clients 0.</param>
    /// <param name="compression">Whether zstd is tried.</param>
    /// <param name="salt">32 bytes that were never used before: <see cref="RandomNumberGenerator"/>'s, or a test's.</param>
    /// <exception cref="ArgumentException">An empty asset or one above the cap (check before), or a key or salt of another length.</exception>
    public AssetSealer(
        AssetKey key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> gridKey, uint keyId, uint epoch, SealCompression compression,
        ReadOnlySpan<byte> salt)
    {
        if (plain.IsEmpty || plain.Length > key.Type.MaxBytes())
            throw new ArgumentException("A sealed asset holds 1 byte up to its type's cap.", nameof(plain));
        SealCodec codec = SealCodec.Raw;
        byte dictionary = SealDictionaries.None;
        _coded = plain;
        if (compression == SealCompression.WhereItSaves && Compression.TryCompress(key.Type, plain, out byte[] compressed, out byte used))
        {
            (codec, dictionary) = (SealCodec.Zstd, used);
            _coded = compressed;
        }
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(plain, digest);
        new InnerHeader(codec, plain.Length, _coded.Length, dictionary).Write(_inner, digest);
        Layout = SealedLayout.ForCoded(_coded.Length);

        byte[] encodedKey = key.Encode();
        Span<byte> contentKey = stackalloc byte[SealKeys.Length], encryptionKey = stackalloc byte[SealKeys.Length];
        SealKeys.DeriveContentKey(gridKey, salt, encodedKey, contentKey);
        SealKeys.DeriveEncryptionKey(contentKey, encryptionKey);
        _header = new byte[SealedHeader.Length];
        SealedHeader header = SealedHeader.Write(_header, keyId, epoch, Layout.SealedLength, salt, contentKey);
        _cipher = new SegmentCipher(encryptionKey, SegmentCipher.AssociatedData(header, encodedKey));
        CryptographicOperations.ZeroMemory(contentKey);
        CryptographicOperations.ZeroMemory(encryptionKey);
    }

    /// <summary>How long the sealed asset will be and where its segments lie.</summary>
    public SealedLayout Layout { get; }

    /// <summary>The complete outer header, 84 bytes.</summary>
    public readonly ReadOnlySpan<byte> Header => _header;

    /// <summary>Seals the next segment into <paramref name="destination"/>.</summary>
    /// <param name="destination">At least <see cref="SealedLayout.SealedSegmentBytes"/>, or what is left if that is less.</param>
    /// <returns>Bytes written; 0 when every segment has been.</returns>
    public int WriteNext(Span<byte> destination)
    {
        if (_next == Layout.SegmentCount) return 0;
        int length = Layout.StreamBytesOf(_next), start = _next * SealedLayout.SegmentBytes;
        bool last = _next == Layout.SegmentCount - 1;
        Span<byte> sealedSegment = destination[..(length + SealedLayout.TagBytes)];
        int codedStart = start - InnerHeader.Length, codedEnd = codedStart + length;
        if (codedStart >= 0 && codedEnd <= _coded.Length)
        {
            _cipher.Seal(_next, last, _coded[codedStart..codedEnd], sealedSegment);
        }
        else
        {
            // The first segment opens with the inner header, the last ends with padding: put together where it is sealed.
            Span<byte> stream = sealedSegment[..length], rest = stream;
            if (_next == 0)
            {
                _inner.CopyTo(rest);
                rest = rest[InnerHeader.Length..];
                codedStart = 0;
            }
            ReadOnlySpan<byte> coded = codedStart >= _coded.Length ? [] : _coded[codedStart..Math.Min(codedEnd, _coded.Length)];
            coded.CopyTo(rest);
            rest[coded.Length..].Clear();
            _cipher.Seal(_next, last, stream, sealedSegment);
        }
        _next++;
        return sealedSegment.Length;
    }

    /// <summary>Releases the cipher.</summary>
    public readonly void Dispose() => _cipher.Dispose();
}
