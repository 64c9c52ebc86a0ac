using System.Buffers;
using System.Security.Cryptography;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Client.Store;

/// <summary>
/// A content file that was opened and found to be what the index says: handle, derived key and associated data, kept while the asset is
/// in use so that a hit neither opens a file nor derives a key. Immutable; the handle may be closed under a reader, who then opens anew.
/// </summary>
internal sealed class OpenAsset : IDisposable
{
    private OpenAsset(ulong id, SafeFileHandle handle, byte[] encryptionKey, byte[] associatedData)
    {
        (Id, Handle, EncryptionKey, AssociatedData) = (id, handle, encryptionKey, associatedData);
    }

    public ulong Id { get; }

    public SafeFileHandle Handle { get; }

    public byte[] EncryptionKey { get; }

    public byte[] AssociatedData { get; }

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

    public void Dispose() => Handle.Dispose();
}

/// <summary>The assets opened last, at most <paramref name="capacity"/>: a busy region's worth of file handles, a few hundred bytes each.</summary>
internal sealed class OpenAssets(int capacity = OpenAssets.DefaultCapacity) : IDisposable
{
    private const int DefaultCapacity = 512;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkedListNode<OpenAsset>> _byId = [];
    private readonly LinkedList<OpenAsset> _byUse = new();
    private bool _closed;

    public OpenAsset? Find(ulong id)
    {
        lock (_gate)
        {
            if (!_byId.TryGetValue(id, out LinkedListNode<OpenAsset>? node)) return null;
            if (node != _byUse.First)
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
            return node.Value;
        }
    }

    public void Add(OpenAsset asset)
    {
        OpenAsset? leaving = null;
        lock (_gate)
        {
            if (_closed) leaving = asset;
            else if (_byId.Remove(asset.Id, out LinkedListNode<OpenAsset>? same)) Unlink(same);
            else if (_byId.Count == capacity) Unlink(_byUse.Last!);
            if (!_closed) _byId[asset.Id] = _byUse.AddFirst(asset);
        }
        leaving?.Dispose();

        void Unlink(LinkedListNode<OpenAsset> node)
        {
            leaving = node.Value;
            _byId.Remove(node.Value.Id);
            _byUse.Remove(node);
        }
    }

    /// <summary>Forgets an asset whose file is deleted or replaced.</summary>
    public void Remove(ulong id)
    {
        LinkedListNode<OpenAsset>? node;
        lock (_gate)
        {
            if (!_byId.Remove(id, out node)) return;
            _byUse.Remove(node);
        }
        node.Value.Dispose();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (OpenAsset asset in _byUse) asset.Dispose();
            _byUse.Clear();
            _byId.Clear();
        }
    }
}
