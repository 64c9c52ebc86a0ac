using System.Buffers;
using System.Security.Cryptography;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Policy.Sealing;

/// <summary>
/// The sealed asset <c>GCA1</c> (SECURITY §1): one asset under a key of its own, padded, bound to its name. A node stores and
/// sends it as it is; a client opens it, and seals again under its own key what it keeps. All methods are pure but for the
/// fresh salt, and may be called from several threads at once.
/// </summary>
public static class SealedAsset
{
    /// <summary>Seals <paramref name="plain"/> under a fresh random salt.</summary>
    /// <inheritdoc cref="AssetSealer(AssetKey, ReadOnlySpan{byte}, ReadOnlySpan{byte}, uint, uint, SealCompression, ReadOnlySpan{byte})"/>
    /// <returns>The sealed asset.</returns>
    public static byte[] Seal(
        AssetKey key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> gridKey, uint keyId, uint epoch, SealCompression compression)
    {
        Span<byte> salt = stackalloc byte[SealKeys.Length];
        RandomNumberGenerator.Fill(salt);
        return Seal(key, plain, gridKey, keyId, epoch, compression, salt);
    }

    /// <summary>Seals <paramref name="plain"/> under a given salt: for frozen vectors only, a salt must never be used twice.</summary>
    /// <inheritdoc cref="AssetSealer(AssetKey, ReadOnlySpan{byte}, ReadOnlySpan{byte}, uint, uint, SealCompression, ReadOnlySpan{byte})"/>
    /// <returns>The sealed asset; the same arguments always give the same bytes.</returns>
    public static byte[] Seal(
        AssetKey key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> gridKey, uint keyId, uint epoch, SealCompression compression,
        ReadOnlySpan<byte> salt)
    {
        using AssetSealer sealer = new(key, plain, gridKey, keyId, epoch, compression, salt);
        byte[] blob = new byte[sealer.Layout.SealedLength];
        sealer.Header.CopyTo(blob);
        int at = SealedHeader.Length;
        while (sealer.WriteNext(blob.AsSpan(at)) is int written and > 0) at += written;
        return blob;
    }

    /// <summary>
    /// Opens a whole sealed asset, checking in this order: length, magic, version and suite, the type's cap (before anything is
    /// allocated), commitment, tags, inner header, Padmé and zero padding, decompression, SHA-256. Allocates no more than the sealed
    /// and the plain length together.
    /// </summary>
    /// <param name="key">The asset that was asked for.</param>
    /// <param name="blob">What came, exactly.</param>
    /// <param name="contentKey">K_asset, 32 bytes.</param>
    /// <param name="plain">The plain asset; empty unless the result is <see cref="SealFault.None"/>.</param>
    /// <returns><see cref="SealFault.None"/>, or the first thing wrong.</returns>
    public static SealFault Open(AssetKey key, ReadOnlySpan<byte> blob, ReadOnlySpan<byte> contentKey, out byte[] plain)
    {
        plain = [];
        SealFault fault = Authenticate(key, blob, contentKey, out SealedHeader header, out SealedLayout layout);
        if (fault != SealFault.None) return fault;
        byte[] stream = ArrayPool<byte>.Shared.Rent(layout.StreamLength);
        try
        {
            Span<byte> opened = stream.AsSpan(0, layout.StreamLength);
            using (SegmentCipher cipher = Cipher(key, header, contentKey))
            {
                for (int i = 0; i < layout.SegmentCount; i++)
                {
                    int length = layout.StreamBytesOf(i);
                    if (!cipher.TryOpen(i, i == layout.SegmentCount - 1,
                            blob.Slice(SealedLayout.SealedOffsetOf(i), length + SealedLayout.TagBytes),
                            opened.Slice(i * SealedLayout.SegmentBytes, length)))
                        return SealFault.Tag;
                }
            }
            return Decode(key.Type, opened, out plain);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stream, clearArray: true);
        }
    }

    /// <summary>As <see cref="Open"/>, for the holder of K_grid: derives K_asset from the header's salt.</summary>
    /// <param name="key">The asset that was asked for.</param>
    /// <param name="blob">What came, exactly.</param>
    /// <param name="gridKey">K_grid of the K_seal that <see cref="SealedHeader.KeyId"/> names.</param>
    /// <param name="plain">The plain asset; empty unless the result is <see cref="SealFault.None"/>.</param>
    public static SealFault OpenWithGridKey(AssetKey key, ReadOnlySpan<byte> blob, ReadOnlySpan<byte> gridKey, out byte[] plain)
    {
        plain = [];
        SealFault fault = SealedHeader.Read(blob, out SealedHeader header);
        if (fault != SealFault.None) return fault;
        Span<byte> contentKey = stackalloc byte[SealKeys.Length];
        SealKeys.DeriveContentKey(gridKey, header.Salt, key.Encode(), contentKey);
        return Open(key, blob, contentKey, out plain);
    }

    /// <summary>
    /// Opens plain bytes <paramref name="offset"/> … of an asset sealed without compression, decrypting only the segments that
    /// cover them. The tags vouch for the bytes; SHA-256 of the whole is not checked.
    /// </summary>
    /// <param name="key">The asset that was asked for.</param>
    /// <param name="blob">The whole sealed asset.</param>
    /// <param name="contentKey">K_asset, 32 bytes.</param>
    /// <param name="offset">First plain byte, from 0.</param>
    /// <param name="destination">Receives exactly as many bytes as it has room for.</param>
    /// <returns>
    /// <see cref="SealFault.None"/>, or the first thing wrong; <see cref="SealFault.InnerHeader"/> also when the asset is compressed or
    /// does not reach that far.
    /// </returns>
    public static SealFault OpenRange(
        AssetKey key, ReadOnlySpan<byte> blob, ReadOnlySpan<byte> contentKey, int offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        SealFault fault = Authenticate(key, blob, contentKey, out SealedHeader header, out SealedLayout layout);
        if (fault != SealFault.None) return fault;
        Span<byte> segment = new byte[SealedLayout.SegmentBytes];
        using SegmentCipher cipher = Cipher(key, header, contentKey);
        // The first segment holds the inner header: without it nobody knows where the padding begins.
        int from = offset + InnerHeader.Length, to = from + destination.Length, loaded = -1;
        if (!Load(0, blob, segment)) return SealFault.Tag;
        if (!InnerHeader.TryRead(segment, key.Type, out InnerHeader inner) || inner.Codec != SealCodec.Raw) return SealFault.InnerHeader;
        if (Padme.Round(InnerHeader.Length + inner.CodedLength) != layout.StreamLength) return SealFault.Padding;
        if (offset > inner.PlainLength - destination.Length) return SealFault.InnerHeader;
        for (int at = from; at < to;)
        {
            int index = at / SealedLayout.SegmentBytes, start = at - index * SealedLayout.SegmentBytes;
            if (!Load(index, blob, segment)) return SealFault.Tag;
            int length = Math.Min(to - at, SealedLayout.SegmentBytes - start);
            segment.Slice(start, length).CopyTo(destination[(at - from)..]);
            at += length;
        }
        return SealFault.None;

        bool Load(int index, ReadOnlySpan<byte> blob, Span<byte> segment)
        {
            if (loaded == index) return true;
            int length = layout.StreamBytesOf(index);
            loaded = index;
            return cipher.TryOpen(index, index == layout.SegmentCount - 1,
                blob.Slice(SealedLayout.SealedOffsetOf(index), length + SealedLayout.TagBytes), segment[..length]);
        }
    }

    /// <summary>Everything that is checked before the first segment is opened.</summary>
    private static SealFault Authenticate(
        AssetKey key, ReadOnlySpan<byte> blob, ReadOnlySpan<byte> contentKey, out SealedHeader header, out SealedLayout layout)
    {
        layout = default;
        SealFault fault = SealedHeader.Read(blob, out header);
        if (fault != SealFault.None) return fault;
        if (header.SealedLength != blob.Length) return SealFault.Length;
        if (blob.Length > SealedLayout.MaxSealedLength(key.Type)) return SealFault.TooLarge;
        SealedLayout.TryFromSealedLength(blob.Length, out layout);
        return SealKeys.Commits(contentKey, header.Commitment) ? SealFault.None : SealFault.Commitment;
    }

    private static SegmentCipher Cipher(AssetKey key, SealedHeader header, ReadOnlySpan<byte> contentKey)
    {
        Span<byte> encryptionKey = stackalloc byte[SealKeys.Length];
        SealKeys.DeriveEncryptionKey(contentKey, encryptionKey);
        return new SegmentCipher(encryptionKey, SegmentCipher.AssociatedData(header, key.Encode()));
    }

    private static SealFault Decode(AssetType type, ReadOnlySpan<byte> stream, out byte[] plain)
    {
        plain = [];
        if (!InnerHeader.TryRead(stream, type, out InnerHeader inner)) return InnerHeader.IsLater(stream) ? SealFault.Version : SealFault.InnerHeader;
        int end = InnerHeader.Length + inner.CodedLength;
        if (Padme.Round(end) != stream.Length || stream[end..].ContainsAnyExcept((byte)0)) return SealFault.Padding;
        ReadOnlySpan<byte> coded = stream[InnerHeader.Length..end];
        byte[] decoded = new byte[inner.PlainLength];
        if (inner.Codec == SealCodec.Raw) coded.CopyTo(decoded);
        else if (!Compression.TryDecompress(coded, decoded, inner.Dictionary)) return SealFault.Compression;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(decoded, digest);
        if (!CryptographicOperations.FixedTimeEquals(digest, InnerHeader.DigestIn(stream))) return SealFault.Digest;
        plain = decoded;
        return SealFault.None;
    }
}
