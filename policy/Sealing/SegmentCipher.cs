using System.Buffers.Binary;
using System.Security.Cryptography;

namespace GlobalCache.Policy.Sealing;

/// <summary>
/// Seals and opens single segments of one asset: AES-256-GCM, nonce = seven zeros ‖ u32 big-endian index ‖ last (1 or 0),
/// associated data = the complete outer header ‖ the encoded asset key (SECURITY §1). Segments may be opened in any order.
/// One operation at a time: <see cref="AesGcm"/> is not safe for concurrent use on Linux.
/// </summary>
public sealed class SegmentCipher : IDisposable
{
    private readonly AesGcm _gcm;
    private readonly byte[] _associatedData;

    /// <summary>A cipher for one asset, for one operation at a time.</summary>
    /// <param name="encryptionKey">K_enc, 32 bytes (<see cref="SealKeys.DeriveEncryptionKey"/>).</param>
    /// <param name="associatedData">From <see cref="AssociatedData"/>; not changed, may be shared between ciphers.</param>
    public SegmentCipher(ReadOnlySpan<byte> encryptionKey, byte[] associatedData)
    {
        ArgumentNullException.ThrowIfNull(associatedData);
        _gcm = new AesGcm(encryptionKey, SealedLayout.TagBytes);
        _associatedData = associatedData;
    }

    /// <summary>What every segment of one sealed asset authenticates beside itself.</summary>
    public static byte[] AssociatedData(SealedHeader header, ReadOnlySpan<byte> encodedKey) => [.. header.Bytes, .. encodedKey];

    /// <summary>Opens segment <paramref name="index"/>.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="last">Whether it is the asset's last.</param>
    /// <param name="sealedSegment">Ciphertext and tag.</param>
    /// <param name="stream">Receives the stream bytes, 16 fewer than <paramref name="sealedSegment"/> has.</param>
    /// <returns>False when the tag does not match; <paramref name="stream"/> is then zeroed.</returns>
    public bool TryOpen(int index, bool last, ReadOnlySpan<byte> sealedSegment, Span<byte> stream)
    {
        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(nonce, index, last);
        try
        {
            _gcm.Decrypt(nonce, sealedSegment[..^SealedLayout.TagBytes], sealedSegment[^SealedLayout.TagBytes..], stream, _associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>Seals segment <paramref name="index"/>: writes ciphertext and tag, 16 bytes more than <paramref name="stream"/> has.</summary>
    internal void Seal(int index, bool last, ReadOnlySpan<byte> stream, Span<byte> sealedSegment)
    {
        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(nonce, index, last);
        _gcm.Encrypt(nonce, stream, sealedSegment[..stream.Length], sealedSegment.Slice(stream.Length, SealedLayout.TagBytes), _associatedData);
    }

    /// <inheritdoc/>
    public void Dispose() => _gcm.Dispose();

    private static void WriteNonce(Span<byte> nonce, int index, bool last)
    {
        nonce[..7].Clear();
        BinaryPrimitives.WriteInt32BigEndian(nonce[7..], index);
        nonce[11] = last ? (byte)1 : (byte)0;
    }
}
