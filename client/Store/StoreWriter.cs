using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using Microsoft.Data.Sqlite;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Client.Store;

/// <summary>
/// The one thread that changes what is on disk: puts, drops, evictions, uses written down in batches, the scrub. One after the other,
/// so the order on disk is the order here, and SQLite has one user.
/// </summary>
/// <remarks>
/// The order that makes <c>kill -9</c> harmless. Put: file written under <c>tmp/</c>, flushed, renamed; then its row. A kill between
/// leaves a file without a row, which the next start deletes: the asset being written is lost, nothing else. Evict and drop: row and
/// file in either order; a row without a file is dropped at the next start. Bytes count as used from before the first is written
/// until after the file is gone.
/// </remarks>
internal sealed class StoreWriter
{
    private const int MaxWaiting = 8192;
    private const long MaxWaitingBytes = 64L << 20;
    private static readonly TimeSpan FlushPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    private readonly StoreState _state;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly BlockingCollection<Work> _work = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer _flushTimer, _scrubTimer;
    private readonly Scrub _scrub;
    private int _waiting, _scrubWaits, _undone;
    private long _waitingBytes;
    private bool _failing;

    public StoreWriter(StoreState state, TimeSpan scrubPeriod, TimeProvider time, ILogger log)
    {
        (_state, _time, _log) = (state, time, log);
        _scrub = new Scrub(state, log);
        new Thread(Run, 512 << 10) { IsBackground = true, Name = "store writer" }.Start();
        _flushTimer = time.CreateTimer(_ => Enqueue(new Flush()), null, FlushPeriod, FlushPeriod);
        _scrubTimer = time.CreateTimer(_ => { if (Interlocked.Exchange(ref _scrubWaits, 1) == 0) Enqueue(new ScrubOne()); }, null, scrubPeriod, scrubPeriod);
    }

    /// <summary>Nothing waits to be written, and whoever asked has been told.</summary>
    public bool IsIdle => Volatile.Read(ref _undone) == 0;

    /// <summary>Queues a put. False at once when too many bytes wait, or the store is closed.</summary>
    public ValueTask<bool> PutAsync(AssetKey key, ReadOnlyMemory<byte> plain, CancellationToken ct)
    {
        Put put = new(key, plain, ct);
        // One asset may always wait, however large.
        if (Interlocked.Add(ref _waitingBytes, plain.Length) > Math.Max(MaxWaitingBytes, plain.Length) | Interlocked.Increment(ref _waiting) > MaxWaiting
            || !Enqueue(put))
        {
            Leave(put);
            return new ValueTask<bool>(false);
        }
        return new ValueTask<bool>(put.Outcome.Task);
    }

    /// <summary>
    /// Deletes what <see cref="S3Fifo.Remove"/> forgot: <paramref name="bytes"/>, or 0 when nothing was held; then only a put that waits
    /// is undone.
    /// </summary>
    public void Drop(ulong id, int bytes)
    {
        if (bytes > 0 || Volatile.Read(ref _waiting) > 0) Enqueue(new Remove(id, bytes));
    }

    /// <summary>Does what waits, writes down the uses, and ends; a hung disk is left behind after a few seconds.</summary>
    public async Task StopAsync()
    {
        await _flushTimer.DisposeAsync();
        await _scrubTimer.DisposeAsync();
        Enqueue(new Flush());
        _work.CompleteAdding();
        try
        {
            await _ended.Task.WaitAsync(StopTimeout, _time);
        }
        catch (TimeoutException)
        {
            StoreLog.DiskSlow(_log, StopTimeout);
        }
    }

    private bool Enqueue(Work work)
    {
        try
        {
            Interlocked.Increment(ref _undone);
            return _work.TryAdd(work);
        }
        catch (InvalidOperationException)
        {
            Interlocked.Decrement(ref _undone);
            return false;                   // closed
        }
    }

    private void Leave(Put put)
    {
        Interlocked.Add(ref _waitingBytes, -put.Plain.Length);
        Interlocked.Decrement(ref _waiting);
    }

    private void Run()
    {
        foreach (Work work in _work.GetConsumingEnumerable())
        {
            bool done = false;
            try
            {
                done = Do(work);
                if (_failing && work is Put && done)
                {
                    _failing = false;
                    StoreLog.WritesAgain(_log);
                }
            }
#pragma warning disable CA1031 // The disk's and SQLite's failures, and whatever else: the asset is not kept, and the thread goes on.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (!_failing) StoreLog.WriteFailed(_log, ContentFolder.Unnamed(e is IOException or UnauthorizedAccessException or SqliteException ? e.Message : e.ToString()));
                _failing = true;
            }
            if (work is Put put)
            {
                Leave(put);
                put.Outcome.SetResult(done);
            }
            Interlocked.Decrement(ref _undone);
        }
        _state.Dispose();
        _ended.SetResult();
    }

    private bool Do(Work work)
    {
        switch (work)
        {
            case Put put:
                return !put.Cancelled.IsCancellationRequested && Store(put.Key, put.Plain.Span);
            case Remove remove:
                int bytes = remove.Bytes;
                lock (_state.Gate)
                {
                    if (_state.Held.Remove(remove.Id, out int now)) bytes = now;
                }
                if (bytes > 0) _state.Delete(remove.Id, bytes);
                return true;
            case Flush:
                _state.WriteUses();
                return true;
            default:
                Volatile.Write(ref _scrubWaits, 0);
                _scrub.Next();
                return true;
        }
    }

    private bool Store(AssetKey key, ReadOnlySpan<byte> plain)
    {
        byte[] name = new byte[SealKeys.Length];
        _state.Key.NameOf(key.Encode(), name);
        ulong id = ContentFolder.IdOf(name);
        lock (_state.Gate)
        {
            if (_state.Held.Contains(id)) return true;
        }
        int charge = StoreState.Charge(plain.Length);
        if (!_state.TryMakeRoom(charge)) return false;
        Span<byte> salt = stackalloc byte[SealKeys.Length];
        RandomNumberGenerator.Fill(salt);
        using AssetSealer sealer = new(key, plain, _state.Key.GridKey(key.GridId), keyId: 1, epoch: 0, SealCompression.None, salt);
        string temporary = _state.Folder.TemporaryPathOf(name);
        _state.Count(charge);
        string lying = temporary;
        try
        {
            byte[] digest = Write(temporary, sealer);
            _state.Folder.Publish(name);
            lying = _state.Folder.PathOf(name);
            _state.Add(id, name, charge, plain.Length, digest);
            return true;
        }
        catch
        {
            ContentFolder.Delete(lying);
            _state.Count(-charge);
            throw;
        }
    }

    /// <summary>Writes and flushes the sealed file; returns its SHA-256.</summary>
    private static byte[] Write(string path, AssetSealer sealer)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(SealedHeader.Length + 7 * SealedLayout.SealedSegmentBytes);
        try
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            // Asking for the whole length first: a full disk shows before anything is written, and the file lies in one piece.
            using SafeFileHandle file = File.OpenHandle(
                path, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None, sealer.Layout.SealedLength);
            sealer.Header.CopyTo(buffer);
            int filled = SealedHeader.Length;
            long at = 0;
            for (int next; (next = sealer.WriteNext(buffer.AsSpan(filled))) > 0;)
            {
                filled += next;
                if (buffer.Length - filled < SealedLayout.SealedSegmentBytes) WriteOut();
            }
            WriteOut();
            RandomAccess.FlushToDisk(file);
            return hash.GetHashAndReset();

            void WriteOut()
            {
                RandomAccess.Write(file, buffer.AsSpan(0, filled), at);
                hash.AppendData(buffer, 0, filled);
                at += filled;
                filled = 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private abstract record Work;

    private sealed record Remove(ulong Id, int Bytes) : Work;

    private sealed record Flush : Work;

    private sealed record ScrubOne : Work;

    private sealed record Put(AssetKey Key, ReadOnlyMemory<byte> Plain, CancellationToken Cancelled) : Work
    {
        public TaskCompletionSource<bool> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
