using System.Buffers;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Client.Store;

/// <summary>One reader of one held asset. Not for concurrent use; open it twice instead.</summary>
internal sealed class StoredAsset(AssetStore store, ulong id, AssetKey key, int length) : IDisposable
{
    /// <summary>Segments read at once: 112 KiB, so that the buffer comes from the pool's 128 KiB shelf.</summary>
    private const int SegmentsAtOnce = 7;

    private readonly SealedLayout _layout = SealedLayout.ForCoded(length);
    private OpenAsset? _open;
    private SegmentCipher? _cipher;
    private byte[]? _edge;
    private int _edgeIndex = -1;

    /// <summary>Bytes of the plain asset.</summary>
    public int Length => length;

    /// <summary>
    /// Fills <paramref name="destination"/> with the plain bytes from <paramref name="offset"/> on, decrypting only the segments that
    /// cover them. False when they cannot be had in time: damaged or gone (the entry is dropped then), or the disk held one read of
    /// 112 KiB for longer than <see cref="StoreOptions.ReadDeadline"/> (the entry stays), or <paramref name="ct"/>. Ask the grid.
    /// The store enforces the deadline itself: what is in the page cache is read on the caller's thread without ever waiting, all
    /// else by threads of the store's own, so a hung disk blocks no caller. After the task has ended nothing writes to
    /// <paramref name="destination"/> any more. Segments of 16 KiB that a call touches only in part are kept for the next one, so
    /// reading on in pieces costs nothing twice; pieces of 64 KiB and more are best.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Beyond <see cref="Length"/>.</exception>
    public ValueTask<bool> ReadAsync(int offset, Memory<byte> destination, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, length - offset, nameof(destination));
        int done = ReadWarm(offset, destination.Span);
        if (done == destination.Length) return new ValueTask<bool>(true);
        return done < 0 ? new ValueTask<bool>(false) : ReadColdAsync(offset + done, destination[done..], ct);
    }

    /// <summary>Returns its buffers.</summary>
    public void Dispose()
    {
        ReturnCipher();
        if (_edge is not null) ArrayPool<byte>.Shared.Return(_edge, clearArray: true);
        _edge = null;
        _edgeIndex = -1;
    }

    /// <summary>Reads as far as the page cache goes. Returns the bytes read, or -1 for damage.</summary>
    private int ReadWarm(int offset, Span<byte> destination)
    {
        int done = FromEdge(offset, destination);
        if (done == destination.Length) return done;
        if (_open is null && store.Opened(id) is { } open) Use(open);
        if (_open is null)
        {
            if (!TryOpenWarm(out bool damaged)) return damaged ? -1 : done;
            done += FromEdge(offset + done, destination[done..]);
        }
        byte[]? buffer = null;
        try
        {
            while (done < destination.Length)
            {
                (int first, int count) = Covering(offset + done, destination.Length - done);
                (int start, int bytes) = Extent(first, count);
                buffer ??= ArrayPool<byte>.Shared.Rent(bytes);
                if (!store.Warm.TryRead(_open!.Handle, buffer, bytes, start)) return done;
                int opened = Decrypt(buffer, first, count, offset + done, destination[done..]);
                if (opened < 0) return -1;
                done += opened;
            }
            return done;
        }
        catch (ObjectDisposedException)
        {
            ReturnCipher();
            _open = null;           // closed to make room for others: the slow way opens it again
            return done;
        }
        finally
        {
            if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Opens the file if the kernel knows it, and keeps its first segment, which had to be opened for that.</summary>
    private bool TryOpenWarm(out bool damaged)
    {
        _edge ??= ArrayPool<byte>.Shared.Rent(SealedLayout.SegmentBytes);
        _edgeIndex = -1;
        damaged = false;
        try
        {
            OpenAsset? open = store.OpenFile(id, key, length, warmOnly: true, _edge, out SealFault fault);
            damaged = fault != SealFault.None;
            if (damaged) store.DropDamaged(id, null, fault.ToString());
            if (open is null) return false;
            Use(open);
            _edgeIndex = 0;
            return true;
        }
        catch (Exception e) when (e is IOException or NotSupportedException)
        {
            return false;           // no plain file: the slow way says what it is
        }
    }

    private async ValueTask<bool> ReadColdAsync(int offset, Memory<byte> destination, CancellationToken ct)
    {
        while (!destination.IsEmpty)
        {
            int done = FromEdge(offset, destination.Span);
            if (done == 0)
            {
                (int first, int count) = Covering(offset, destination.Length);
                ColdRead job = new(store, id, key, length, _open, Extent(first, count));
                bool read = await store.Readers.RunAsync(job, ct);
                if (!read)
                {
                    // A job that was given up is still another thread's: only its stage may be looked at.
                    if (job.At != DiskJob.Stage.Done) store.NoteSlow();
                    else if (job.Damage is { } damage) store.DropDamaged(id, _open, damage);
                    return false;
                }
                if (job.Open != _open) Use(job.Open!);
                done = Decrypt(job.Buffer!, first, count, offset, destination.Span);
                ArrayPool<byte>.Shared.Return(job.Buffer!);
                if (done < 0) return false;
            }
            offset += done;
            destination = destination[done..];
        }
        return true;
    }

    private void Use(OpenAsset open)
    {
        ReturnCipher();
        _open = open;
    }

    private void ReturnCipher()
    {
        if (_cipher is not null) _open!.Return(_cipher);
        _cipher = null;
    }

    /// <summary>The segments that hold plain bytes from <paramref name="offset"/> on, as many as are read at once.</summary>
    private static (int First, int Count) Covering(int offset, int bytes)
    {
        int from = offset + InnerHeader.Length, first = from / SealedLayout.SegmentBytes;
        int last = (from + bytes - 1) / SealedLayout.SegmentBytes;
        return (first, Math.Min(last - first + 1, SegmentsAtOnce));
    }

    private (int Start, int Bytes) Extent(int first, int count) =>
        (SealedLayout.SealedOffsetOf(first), (count - 1) * SealedLayout.SealedSegmentBytes + _layout.StreamBytesOf(first + count - 1) + SealedLayout.TagBytes);

    /// <summary>Opens what was read into <paramref name="destination"/>; returns the plain bytes written, -1 when a tag is wrong.</summary>
    private int Decrypt(byte[] sealedBytes, int first, int count, int offset, Span<byte> destination)
    {
        _cipher ??= _open!.TakeCipher();
        int from = offset + InnerHeader.Length, done = 0;
        for (int index = first; index < first + count; index++)
        {
            int start = index * SealedLayout.SegmentBytes, bytes = _layout.StreamBytesOf(index);
            ReadOnlySpan<byte> segment = sealedBytes.AsSpan((index - first) * SealedLayout.SealedSegmentBytes, bytes + SealedLayout.TagBytes);
            bool whole = from + done == start && destination.Length - done >= bytes;
            _edge ??= whole ? null : ArrayPool<byte>.Shared.Rent(SealedLayout.SegmentBytes);
            Span<byte> stream = whole ? destination.Slice(done, bytes) : _edge.AsSpan(0, bytes);
            if (!whole) _edgeIndex = -1;
            if (!_cipher.TryOpen(index, index == _layout.SegmentCount - 1, segment, stream))
            {
                store.DropDamaged(id, _open, nameof(SealFault.Tag));
                return -1;
            }
            if (!whole) _edgeIndex = index;
            done += whole ? bytes : FromEdge(offset + done, destination[done..]);
        }
        return done;
    }

    /// <summary>Copies what the kept segment holds of these bytes.</summary>
    private int FromEdge(int offset, Span<byte> destination)
    {
        int from = offset + InnerHeader.Length, start = _edgeIndex * SealedLayout.SegmentBytes;
        if (_edgeIndex < 0 || from < start || from >= start + SealedLayout.SegmentBytes) return 0;
        int bytes = Math.Min(destination.Length, start + SealedLayout.SegmentBytes - from);
        _edge.AsSpan(from - start, bytes).CopyTo(destination);
        return bytes;
    }

    /// <summary>Opens the file if it is not open, and reads sealed bytes into a buffer of its own.</summary>
    private sealed class ColdRead(AssetStore store, ulong id, AssetKey key, int length, OpenAsset? open, (int Start, int Bytes) extent) : DiskJob
    {
        public OpenAsset? Open { get; private set; } = open;

        public byte[]? Buffer { get; private set; }

        public string? Damage { get; private set; }

        protected internal override bool Run()
        {
            try
            {
                Buffer = ArrayPool<byte>.Shared.Rent(extent.Bytes);
                if (Open is null || !TryReadOpen())
                {
                    byte[] firstSegment = ArrayPool<byte>.Shared.Rent(SealedLayout.SegmentBytes);
                    Open = store.OpenFile(id, key, length, warmOnly: false, firstSegment, out SealFault fault);
                    ArrayPool<byte>.Shared.Return(firstSegment, clearArray: true);
                    if (Open is null || !TryReadOpen())
                    {
                        Damage = fault.ToString();
                        Discard();
                        return false;
                    }
                }
                return true;
            }
#pragma warning disable CA1031 // Whatever a disk or what somebody put in the file's place may do: a miss, on a thread nobody else looks after.
            catch (Exception e)
#pragma warning restore CA1031
            {
                // Out of file handles, or closed under our hands: nothing is wrong with the asset.
                bool transient = e is ObjectDisposedException || e.HResult is 23 or 24;      // ENFILE, EMFILE
                Damage = transient ? null : e.GetType().Name;
                Discard();
                return false;
            }
        }

        protected internal override void Discard()
        {
            if (Buffer is not null) ArrayPool<byte>.Shared.Return(Buffer);
            Buffer = null;
        }

        private bool TryReadOpen()
        {
            try
            {
                return OpenAsset.ReadAll(Open!.Handle, Buffer.AsSpan(0, extent.Bytes), extent.Start);
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }
    }
}
