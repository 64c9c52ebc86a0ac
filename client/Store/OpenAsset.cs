using System.Buffers;
using System.Security.Cryptography;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Client.Store;

/// <summary>
/// A content file that was opened and found to be what the index says: handle, derived key and associated data, kept while the asset is
/// in use so that a hit neither opens a file nor derives a key. The handle may be closed under a reader, who then opens anew.
/// </summary>
internal sealed class OpenAsset : IDisposable
{
    private readonly byte[] _encryptionKey;
    private readonly byte[] _associatedData;
    private SegmentCipher? _spare;

    private OpenAsset(ulong id, SafeFileHandle handle, byte[] encryptionKey, byte[] associatedData)
    {
        (Id, Handle, _encryptionKey, _associatedData) = (id, handle, encryptionKey, associatedData);
    }

    public ulong Id { get; }

    public SafeFileHandle Handle { get; }

    /// <summary>A cipher for one operation at a time: the one returned last, or a new one.</summary>
    public SegmentCipher TakeCipher() => Interlocked.Exchange(ref _spare, null) ?? new SegmentCipher(_encryptionKey, _associatedData);

    /// <summary>Gives a cipher back; one is kept.</summary>
    public void Return(SegmentCipher cipher)
    {
        if (Handle.IsClosed) cipher.Dispose();
        else Interlocked.Exchange(ref _spare, cipher)?.Dispose();
    }

    /// <summary>
    /// Checks a file's length, header, commitment, first segment and inner header against the name and the length the index states:
    /// SQLite's pages have no tags, so a flipped bit there must not change what is served.
    /// </summary>
    /// <param name="handle">The opened file; closed again unless the result holds it.</param>
    /// <param name="id">The asset's id.</param>
    /// <param name="key">The asset's name.</param>
    /// <param name="plainLength">Its length, as the index says.</param>
    /// <param name="local">The store's key.</param>
    /// <param name="warm">Reads from the page cache only; null: from the disk.</param>
    /// <param name="firstSegment">Receives the opened first segment, up to 16 384 bytes.</param>
    /// <param name="fault">What is wrong; <see cref="SealFault.None"/> with a null result: it is not in the page cache.</param>
    /// <exception cref="IOException">Unreadable.</exception>
    public static OpenAsset? Check(
        SafeFileHandle handle, ulong id, AssetKey key, int plainLength, LocalKey local, WarmRead? warm, Span<byte> firstSegment, out SealFault fault)
    {
        byte[] start = ArrayPool<byte>.Shared.Rent(SealedHeader.Length + SealedLayout.SealedSegmentBytes);
        Span<byte> contentKey = stackalloc byte[SealKeys.Length];
        byte[] encryptionKey = new byte[SealKeys.Length];
        bool sound = false;
        try
        {
            SealedLayout layout = SealedLayout.ForCoded(plainLength);
            int segmentBytes = layout.StreamBytesOf(0) + SealedLayout.TagBytes, startBytes = SealedHeader.Length + segmentBytes;
            fault = SealFault.Length;
            if (RandomAccess.GetLength(handle) != layout.SealedLength) return null;
            fault = warm is null ? SealFault.Length : SealFault.None;
            if (!(warm?.TryRead(handle, start, startBytes, 0) ?? ReadAll(handle, start.AsSpan(0, startBytes), 0))) return null;
            fault = SealedHeader.Read(start, out SealedHeader header);
            if (fault != SealFault.None) return null;
            fault = SealFault.Length;
            if (header.SealedLength != layout.SealedLength) return null;
            byte[] encodedKey = key.Encode();
            SealKeys.DeriveContentKey(local.GridKey(key.GridId), header.Salt, encodedKey, contentKey);
            fault = SealFault.Commitment;
            if (!SealKeys.Commits(contentKey, header.Commitment)) return null;
            SealKeys.DeriveEncryptionKey(contentKey, encryptionKey);
            byte[] associatedData = SegmentCipher.AssociatedData(header, encodedKey);
            using SegmentCipher cipher = new(encryptionKey, associatedData);
            fault = SealFault.Tag;
            Span<byte> stream = firstSegment[..layout.StreamBytesOf(0)];
            if (!cipher.TryOpen(0, layout.SegmentCount == 1, start.AsSpan(SealedHeader.Length, segmentBytes), stream)) return null;
            fault = SealFault.InnerHeader;
            if (!InnerHeader.TryRead(stream, key.Type, out InnerHeader inner) || inner.Codec != SealCodec.Raw || inner.PlainLength != plainLength)
                return null;
            fault = SealFault.None;
            sound = true;
            return new OpenAsset(id, handle, encryptionKey, associatedData);
        }
        finally
        {
            if (!sound) handle.Dispose();
            CryptographicOperations.ZeroMemory(contentKey);
            ArrayPool<byte>.Shared.Return(start);
        }
    }

    /// <summary>Reads exactly that much; false when the file ends before.</summary>
    public static bool ReadAll(SafeFileHandle handle, Span<byte> buffer, long offset)
    {
        while (!buffer.IsEmpty)
        {
            int read = RandomAccess.Read(handle, buffer, offset);
            if (read == 0) return false;
            buffer = buffer[read..];
            offset += read;
        }
        return true;
    }

    public void Dispose()
    {
        Handle.Dispose();
        Interlocked.Exchange(ref _spare, null)?.Dispose();
    }
}
