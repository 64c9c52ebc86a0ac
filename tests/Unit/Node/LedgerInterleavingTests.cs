using System.Security.Cryptography;
using CsCheck;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Tests.Node.Ingest;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node;

/// <summary>
/// The vouching algorithm under random interleavings of several nodes, with kills at every store call and answers that are lost
/// (SECURITY §4). Checked at every write: a blob holds what was decided for its epoch, nothing becomes public below the lead, nothing
/// that was withdrawn comes back; at the end: what is agreed on can be stored.
/// </summary>
public sealed class LedgerInterleavingTests
{
    private const string Name = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private static readonly AssetKey s_key = new("grid.example.org", AssetType.Texture, new Guid("6c0ca000-0000-4000-8000-000000000001"));
    private static readonly byte[] s_good = [1, 2, 3, 4], s_bad = [6, 6, 6];
    private static readonly GridKeys s_keys = new(new Dictionary<uint, byte[]> { [1] = new byte[32] }, new byte[32], new byte[32], new byte[32]);
    private static readonly byte[] s_gridKey = s_keys.GridKey(1, s_key.GridId)!;

    [Fact]
    public void No_interleaving_breaks_a_promise_in_memory()
    {
        // Long runs by hand: GC_INTERLEAVINGS=60000.
        Seen seen = Sample(1500, () => new MemoryStore { Yields = false });
        Assert.True(seen is { Blobs: > 100, Withdrawals: > 100, Reopened: > 10, Kills: > 100 }, seen.ToString());
    }

    [Fact]
    public void No_interleaving_breaks_a_promise_in_a_folder()
    {
        string folder = Directory.CreateTempSubdirectory("gc-turns-").FullName;
        try
        {
            int run = 0;
            Seen seen = Sample(200, () => new FolderStore(Path.Combine(folder, $"{Interlocked.Increment(ref run)}"), TimeProvider.System));
            Assert.True(seen is { Blobs: > 40, Withdrawals: > 10, Kills: > 40 }, seen.ToString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Each step of one course is the last of whoever makes it, in turn.</summary>
    [Fact]
    public void A_crash_after_any_store_call_breaks_no_promise()
    {
        var seen = new Seen();
        for (int seed = 0; seed < 8; seed++)
        {
            int calls = new Run(seed, seen, new MemoryStore { Yields = false }, kills: 0).Go();
            for (int call = 1; call <= calls; call++) new Run(seed, seen, new MemoryStore { Yields = false }, kills: 0, crashAfter: call).Go();
        }
        Assert.True(seen is { Blobs: > 100, Kills: > 100 }, seen.ToString());
    }

    /// <summary>Runs courses that CsCheck draws; it tells the seed of one that fails, and the shortest it finds.</summary>
    internal static Seen Sample(int courses, Func<IObjectStore> store)
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("GC_INTERLEAVINGS"), out int asked)) courses = asked;
        var seen = new Seen();
        // One thread: what has been seen is counted, and a course has a thread of its own anyhow.
        Gen.Int.Positive.Sample(seed => new Run(seed, seen, store()).Go(), iter: courses, threads: 1);
        return seen;
    }

    internal sealed record Seen
    {
        public int Blobs { get; set; }

        public int Withdrawals { get; set; }

        public int Reopened { get; set; }

        public int Kills { get; set; }
    }

    private sealed class Run
    {
        private readonly int _seed;
        private readonly Seen _seen;
        private readonly Random _random;
        private readonly SteppedStore _store;
        private readonly double _kills;
        private readonly int _crashAfter;
        private readonly FakeTimeProvider _time = new();
        private readonly RecordSeal _seal = new(s_keys);
        private readonly VouchingPolicy _policy = new() { ClaimSpacing = TimeSpan.Zero };
        private readonly Dictionary<uint, byte[]> _decided = [];
        private readonly HashSet<(ulong Branch, byte First)> _said = [];
        private uint _withdrawn;

        public Run(int seed, Seen seen, IObjectStore store, double kills = 0.03, int crashAfter = 0)
        {
            (_seed, _seen, _random, _kills, _crashAfter) = (seed, seen, new Random(seed), kills, crashAfter);
            _store = new SteppedStore(store) { Wrote = Check };
        }

        /// <summary>How many store calls it took before anybody had to repair anything.</summary>
        public int Go()
        {
            SynchronizationContext? before = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(_store);
            try
            {
                List<(object Owner, Task Work)> work = [];
                for (ulong branch = 1; branch <= 5; branch++) Start(work, o => ClaimAsync(o, branch, _random.Next(4) == 0 ? s_bad : s_good));
                for (int i = _random.Next(3); i > 0; i--) Start(work, WithdrawAsync);
                for (ulong branch = 10; branch < 10 + (ulong)_random.Next(5); branch++) Start(work, o => ClaimAsync(o, branch, s_good));
                Play(work, _kills, lost: 0.05, _crashAfter);
                int calls = _store.Calls;

                // In the end somebody retries and nobody dies.
                work.Clear();
                for (ulong branch = 20; branch < 24; branch++) Start(work, o => ClaimAsync(o, branch, s_good));
                Play(work, kills: 0, lost: 0);
                Assert.All(work, w => Assert.True(w.Work.IsCompletedSuccessfully, $"seed {_seed}: {w.Work.Exception}"));
                VouchRecord record = Record();
                if (record.Agrees(SHA256.HashData(s_good)))
                    Assert.True(SealedHeader.Read(_store[$"a/{Name}"], out SealedHeader header) == SealFault.None && header.Epoch == record.Epoch, $"seed {_seed}: agreed, retried, not stored");
                return calls;
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(before);
            }
        }

        private void Play(List<(object Owner, Task Work)> work, double kills, double lost, int crashAfter = 0)
        {
            _store.Settle();
            for (int step = 0; step < 10_000; step++)
            {
                if (_store.Idle)
                {
                    if (work.TrueForAll(w => w.Work.IsCompleted || w.Owner is null)) return;
                    _time.Advance(TimeSpan.FromMilliseconds(100));
                    _store.Settle();
                    if (_store.Idle && step > 1000) return;         // all that is left has been killed
                    continue;
                }
                if (_random.NextDouble() < kills)
                {
                    _store.Kill(work[_random.Next(work.Count)].Owner, _random);
                    _seen.Kills++;
                    continue;
                }
                object caller = _store.Step(_random, lost);
                if (crashAfter == 0 || _store.Calls < crashAfter) continue;
                _store.Kill(caller, _random);
                _seen.Kills++;
                crashAfter = 0;
            }
        }

        private static void Start(List<(object Owner, Task Work)> work, Func<object, Task> act)
        {
            object owner = new();
            work.Add((owner, act(owner)));
        }

        private Ledger Node(object owner) => new(_store.For(owner), _seal, () => _policy, _ => _ => false, _time);

        private async Task ClaimAsync(object owner, ulong branch, byte[] bytes)
        {
            Ledger node = Node(owner);
            byte[] hash = SHA256.HashData(bytes);
            _said.Add((branch, hash[0]));
            ClaimAnswer answer = await RetryAsync(() => node.ClaimAsync(Name, new Claim(branch, branch, branch, FromRegion: false, hash)));
            if (answer.Wanted)
                await RetryAsync(() => node.PutAsync(Name, bytes, epoch => SealedAsset.Seal(s_key, bytes, s_gridKey, 1, epoch, SealCompression.None), default));
        }

        private async Task WithdrawAsync(object owner)
        {
            // Somebody objects to what is public: waits until something is.
            IObjectStore eye = _store.For(owner);
            for (int i = 0; i < 40 && !Record().IsPublic; i++) await eye.GetAsync("v/" + Name, default);
            uint before = Record().Epoch;
            bool wasPublic = Record().IsPublic;
            Ledger node = Node(owner);
            await RetryAsync(async () =>
            {
                await node.WithdrawAsync(Name, default);
                return true;
            });
            if (!wasPublic) return;
            _withdrawn = Math.Max(_withdrawn, before + 1);
            _seen.Withdrawals++;
            CheckServed();
        }

        private static async Task<T> RetryAsync<T>(Func<Task<T>> act)
        {
            for (int i = 0; ; i++)
            {
                try
                {
                    return await act();
                }
                catch (StoreTroubleException) when (i < 20)
                {
                }
            }
        }

        private void Check(string name, byte[] bytes)
        {
            if (name.StartsWith("v/", StringComparison.Ordinal))
            {
                Assert.True(_seal.TryOpen(Name, bytes, out VouchRecord record));
                if (record.State == VouchState.Open && record.Epoch > 0 && record.Claims.Count == 0) _seen.Reopened++;
                if (!record.IsPublic) return;
                byte[] hash = record.Hash.ToArray();
                if (_decided.TryGetValue(record.Epoch, out byte[]? decided)) Assert.Equal(decided, hash);
                _decided[record.Epoch] = hash;
                int branches = _said.Count(s => s.First == hash[0]);
                Assert.True(branches >= _policy.Lead, $"seed {_seed}: public on the word of {branches}");
                return;
            }
            if (SealedHeader.Read(bytes, out SealedHeader header) == SealFault.None)
            {
                _seen.Blobs++;
                Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(s_key, bytes, s_gridKey, out byte[] plain));
                Assert.True(_decided.TryGetValue(header.Epoch, out byte[]? decided) && decided.AsSpan().SequenceEqual(SHA256.HashData(plain)), $"seed {_seed}: not what was decided");
            }
            CheckServed();
        }

        private void CheckServed()
        {
            if (_withdrawn == 0 || _store[$"a/{Name}"] is not { } there) return;
            uint epoch = Tombstone.TryRead(there, out uint dead) ? dead : SealedHeader.Read(there, out SealedHeader header) == SealFault.None ? header.Epoch : 0;
            Assert.True(epoch >= _withdrawn, $"seed {_seed}: withdrawn in epoch {_withdrawn}, served in {epoch}");
        }

        private VouchRecord Record() => _store[$"v/{Name}"] is { } bytes && _seal.TryOpen(Name, bytes, out VouchRecord record) ? record : VouchRecord.Empty;
    }
}
