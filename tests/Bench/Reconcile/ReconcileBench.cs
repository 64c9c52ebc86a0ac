using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Master.Zones;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Bench.Reconcile;

/// <summary>
/// One pass of the master over ten thousand nodes: every node's word taken, states derived, limits counted, the decision made, the step planned. Cloud, zone and
/// nodes answer at once, so that it is the master's own time. In each pass some nodes come and some go.
/// </summary>
internal static class ReconcileBench
{
    private const int Count = 10_000, Warmup = 30, Passes = 100;

    public static async Task<int> RunAsync(bool json, TextWriter to)
    {
        var world = new Answers();
        var policy = new ScalingPolicy { Min = 1, Max = 2 * Count, LaunchesPerHour = 1_000_000, SpendPerHour = 1_000_000, SpendPerDay = 1_000_000, NodeHoursPerDay = 1_000_000_000 };
        var state = new ScalingState();
        var lease = new Lease(world, "bench", () => policy.Life, TimeProvider.System);
        var reconciler = new Reconciler(
            world, world, world, lease, () => policy, (seen, rules, now) => Decide.Next(state, seen, rules, now), new FleetTerms(), TimeProvider.System, NullLogger.Instance);
        double[] times = new double[Passes];
        for (int i = -Warmup; i < Passes; i++)
        {
            world.Turn();
            long from = Stopwatch.GetTimestamp();
            await reconciler.StepAsync(CancellationToken.None);
            if (i >= 0) times[i] = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        }

        Array.Sort(times);
        (double median, double p95) = (times[Passes / 2], times[Passes * 95 / 100]);
        await to.WriteLineAsync(json
            ? JsonSerializer.Serialize(new { nodes = Count, passes = Passes, medianMs = Math.Round(median, 2), p95Ms = Math.Round(p95, 2) })
            : string.Create(CultureInfo.InvariantCulture, $"one reconcile pass over {reconciler.Snapshot.Nodes.Count} nodes: median {median:0.0} ms, 95 % {p95:0.0} ms ({Passes} passes)"));
        return 0;
    }

    private sealed class Answers : IFleet, IZone, INodes, IObjectStore
    {
        private readonly List<Instance> _instances = [.. Enumerable.Range(0, Count).Select(Make)];
        private readonly Random _random = new(1);
        private IReadOnlySet<IPAddress> _published = new HashSet<IPAddress>();
        private StoredObject? _lease;
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch;
        private int _writes;

        // A hundred nodes change their state before each pass.
        public void Turn()
        {
            _now += TimeSpan.FromSeconds(10);
            for (int i = 0; i < 100; i++)
            {
                int at = _random.Next(Count);
                Intent intent = _instances[at].Marks!.Intent == Intent.Serve ? Intent.Drain : Intent.Serve;
                _instances[at] = _instances[at] with { Marks = new Marks(intent, 1, _now) };
            }
        }

        public Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<Instance>>([.. _instances]);

        public Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct) => Task.FromResult(new LaunchAnswer(LaunchOutcome.NoCapacity, "None is to be had."));

        public Task MarkAsync(string id, Marks marks, CancellationToken ct)
        {
            int at = int.Parse(id.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            _instances[at] = _instances[at] with { Marks = marks };
            return Task.CompletedTask;
        }

        public Task TerminateAsync(string id, CancellationToken ct) => Task.CompletedTask;

        public Task<IReadOnlySet<IPAddress>> ReadAsync(CancellationToken ct) => Task.FromResult(_published);

        public Task<string> PublishAsync(IReadOnlySet<IPAddress> addresses, TimeSpan ttl, CancellationToken ct)
        {
            _published = addresses;
            return Task.FromResult("change");
        }

        public Task<bool> IsInSyncAsync(string change, CancellationToken ct) => Task.FromResult(true);

        public Task<IReadOnlySet<IPAddress>> AskAsync(CancellationToken ct) => Task.FromResult(_published);

        public Task<NodeLook?> LookAsync(Instance instance, CancellationToken ct) => Task.FromResult<NodeLook?>(new NodeLook
        {
            At = _now,
            Ready = true,
            Intent = instance.Marks!.Intent,
            RequestsPerSecond = 20 + (instance.Slot % 20),
            InFlight = 1,
            Load = 0.5,
        });

        public Task<bool> TellAsync(Instance instance, Intent intent, long epoch, CancellationToken ct) => Task.FromResult(true);

        public Task<bool> RetireAsync(Instance instance, long epoch, CancellationToken ct) => Task.FromResult(false);

        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => new(_lease);

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => new(_lease);

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            _lease = new StoredObject($"{++_writes}", bytes.ToArray());
            return new(PutResult.Written);
        }

        private static Instance Make(int i) => new()
        {
            Id = $"i-{i:x8}",
            Slot = i,
            Generation = 1,
            State = InstanceState.Running,
            Address = new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]),
            Launched = DateTimeOffset.UnixEpoch,
            Type = "small",
            Marks = new Marks(Intent.Serve, 1),
        };
    }
}
