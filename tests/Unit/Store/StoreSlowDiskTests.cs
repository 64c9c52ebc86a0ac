using System.Diagnostics;
using GlobalCache.Client.Store;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Store;

/// <summary>A disk that hangs: opening a pipe that nobody writes to blocks exactly as opening a file on a dead mount does.</summary>
public sealed class StoreSlowDiskTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(50);
    private readonly StoreFolder _folder = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_disk_that_hangs_is_a_miss_at_the_deadline_and_a_hit_again_when_it_answers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a named pipe to hang on");
        await using AssetStore store = _folder.Open(time: _time, deadline: Deadline);
        for (int n = 0; n < 6; n++) Assert.True(await StoreFolder.PutAsync(store, n));
        string pipe = Path.Combine(_folder.Root, "pipe");
        using (Process mkfifo = Process.Start("mkfifo", [pipe])) await mkfifo.WaitForExitAsync(Ct);
        for (int n = 0; n < 4; n++)
        {
            AtomicFile.Replace(_folder.FileOf(n), _folder.FileOf(n) + ".away");
            File.CreateSymbolicLink(_folder.FileOf(n), pipe);
        }
        for (int n = 0; n < 4; n++)
        {
            using StoredAsset asset = store.TryOpen(StoreFolder.KeyOf(n))!;
            byte[] destination = new byte[asset.Length];
            ValueTask<bool> read = asset.ReadAsync(0, destination, Ct);
            Assert.False(read.IsCompleted);
            await StoreFolder.Until(() => store.Readers.Running > n);         // the store's thread hangs, the caller does not
            _time.Advance(Deadline - TimeSpan.FromTicks(1));
            Assert.False(read.IsCompleted);
            _time.Advance(TimeSpan.FromTicks(1));
            Assert.False(await read);
        }
        // Every thread that may hang does: nobody is kept waiting any more, not even for what is fine.
        Assert.Null(store.TryOpen(StoreFolder.KeyOf(5)));
        Assert.Equal(6, store.Count);
        for (int n = 0; n < 4; n++) AtomicFile.Replace(_folder.FileOf(n) + ".away", _folder.FileOf(n));
        await using (FileStream release = new(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            await StoreFolder.Until(() => store.Readers.Running == 0);
        for (int n = 0; n < 6; n++) Assert.Equal(StoreFolder.BytesOf(n), await StoreFolder.ReadAsync(store, n));
    }

    [Fact]
    public async Task A_read_that_is_let_go_writes_into_nobodys_memory()
    {
        using DiskReaders readers = new(Deadline, _time);
        using ManualResetEventSlim disk = new();
        Job job = new(disk);
        ValueTask<bool> waiting = readers.RunAsync(job, Ct);
        await StoreFolder.Until(() => readers.Running == 1);
        _time.Advance(Deadline);
        Assert.False(await waiting);
        Assert.False(job.Discarded.Task.IsCompleted);
        disk.Set();
        await job.Discarded.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);
    }

    [Fact]
    public async Task What_waits_behind_hanging_reads_is_let_go_too_and_then_refused_at_once()
    {
        using DiskReaders readers = new(Deadline, _time);
        using ManualResetEventSlim disk = new();
        Job[] jobs = [.. Enumerable.Range(0, 20).Select(_ => new Job(disk))];
        ValueTask<bool>[] waiting = [.. jobs.Select(j => readers.RunAsync(j, Ct))];
        await StoreFolder.Until(() => readers.Running == 4);
        _time.Advance(Deadline);
        foreach (ValueTask<bool> read in waiting) Assert.False(await read);
        Assert.True(readers.Hung);
        ValueTask<bool> refused = readers.RunAsync(new Job(disk), Ct);
        Assert.True(refused.IsCompleted);
        Assert.False(await refused);
        disk.Set();
        await StoreFolder.Until(() => !readers.Hung && readers.Running == 0);
        Assert.Equal(4, jobs.Count(j => j.Discarded.Task.IsCompleted));       // the others never ran
        Assert.True(await readers.RunAsync(new Job(disk), Ct));
    }

    private sealed class Job(ManualResetEventSlim disk) : DiskJob
    {
        public TaskCompletionSource Discarded { get; } = new();

        protected internal override bool Run()
        {
            disk.Wait(TimeSpan.FromSeconds(30));
            return true;
        }

        protected internal override void Discard() => Discarded.SetResult();
    }
}
