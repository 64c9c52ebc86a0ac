using System.Globalization;
using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Zones;
using GlobalCache.Office.Stores;

namespace GlobalCache.Tests.Reconcile;

/// <summary>The cloud's API.</summary>
internal sealed class SimulatedFleet(SimulatedWorld world, TimeProvider clock) : IFleet
{
    public async Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct)
    {
        await CallAsync("describe");
        var all = new List<Instance>(world.Nodes.Count + world.Foreign.Count);
        foreach (SimulatedNode node in world.Nodes)
            if (world.Now >= node.VisibleAt && !(node.IsEnded && world.Now - node.EndedAt > TimeSpan.FromMinutes(10))) all.Add(Show(node));
        all.AddRange(world.Foreign);
        await DoneAsync("describe");
        return all;
    }

    public async Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct)
    {
        await world.BeforeAsync("launch");
        if (world.IsThrottled()) return new LaunchAnswer(LaunchOutcome.Unknown, "Too many calls.");
        // An order that was heard is answered with what became of it, room or not.
        if (!world.Knows(order) && world.HasNoRoom()) return new LaunchAnswer(LaunchOutcome.NoCapacity, "There is no room for one more.");
        SimulatedNode node = world.Make(order, clock.GetUtcNow());
        try
        {
            await world.AfterAsync("launch");
        }
        catch (TimeoutException)
        {
            return new LaunchAnswer(LaunchOutcome.Unknown, "No answer came.");
        }

        return new LaunchAnswer(LaunchOutcome.Launched, "", Show(node));
    }

    public async Task MarkAsync(string id, Marks marks, CancellationToken ct)
    {
        await CallAsync("mark");
        world.Mark(world.Nodes.Single(n => n.Id == id), marks);
        await DoneAsync("mark");
    }

    public async Task TerminateAsync(string id, CancellationToken ct)
    {
        await CallAsync("terminate");
        world.End(world.Nodes.Single(n => n.Id == id));
        await DoneAsync("terminate");
    }

    private async Task CallAsync(string call)
    {
        await world.BeforeAsync(call);
        if (world.IsThrottled()) throw new FleetTroubleException("Too many calls.");
    }

    private async Task DoneAsync(string call)
    {
        try
        {
            await world.AfterAsync(call);
        }
        catch (TimeoutException)
        {
            throw new FleetTroubleException("No answer came.");
        }
    }

    private Instance Show(SimulatedNode node) => new()
    {
        Id = node.Id,
        Slot = node.Order.Slot,
        Generation = node.Order.Generation,
        State = node.IsEnded ? InstanceState.Terminated : world.Now >= node.RunsAt ? InstanceState.Running : InstanceState.Pending,
        Address = world.Now >= node.RunsAt ? node.Address : null,
        Launched = node.Launched,
        Type = "small",
        Marks = node.Marks,
    };
}

/// <summary>The zone's API, and its servers.</summary>
internal sealed class SimulatedZone(SimulatedWorld world) : IZone
{
    public async Task<IReadOnlySet<IPAddress>> ReadAsync(CancellationToken ct)
    {
        await CallAsync("read");
        HashSet<IPAddress> set = world.Published;
        await DoneAsync("read");
        return set;
    }

    public async Task<string> PublishAsync(IReadOnlySet<IPAddress> addresses, TimeSpan ttl, CancellationToken ct)
    {
        await CallAsync("publish");
        TimeSpan at = world.Publish([.. addresses]);
        await DoneAsync("publish");
        return at.Ticks.ToString(CultureInfo.InvariantCulture);
    }

    public async Task<bool> IsInSyncAsync(string change, CancellationToken ct)
    {
        await CallAsync("sync");
        bool is_ = world.IsInSync(TimeSpan.FromTicks(long.Parse(change, CultureInfo.InvariantCulture)));
        await DoneAsync("sync");
        return is_;
    }

    public async Task<IReadOnlySet<IPAddress>> AskAsync(CancellationToken ct)
    {
        await CallAsync("ask");
        IReadOnlySet<IPAddress> set = world.Answers();
        await DoneAsync("ask");
        return set;
    }

    private async Task CallAsync(string call)
    {
        await world.BeforeAsync(call);
        if (world.IsThrottled()) throw new ZoneTroubleException("Too many calls.");
    }

    private async Task DoneAsync(string call)
    {
        try
        {
            await world.AfterAsync(call);
        }
        catch (TimeoutException)
        {
            throw new ZoneTroubleException("No answer came.");
        }
    }
}

/// <summary>The nodes, as a master reaches them.</summary>
internal sealed class SimulatedNodes(SimulatedWorld world, TimeProvider clock) : INodes
{
    /// <summary>What becomes of a node's word on its way.</summary>
    public Func<NodeLook, NodeLook?> Says { get; set; } = look => look;

    public Task<NodeLook?> LookAsync(Instance instance, CancellationToken ct)
    {
        SimulatedNode? node = Find(instance);
        if (node is null || !world.Answers(node)) return Task.FromResult<NodeLook?>(null);
        double rate = world.RateOf(node);
        return Task.FromResult(Says(new NodeLook
        {
            At = clock.GetUtcNow(),
            Ready = !node.IsRetired,
            Intent = node.Told,
            RequestsPerSecond = rate,
            InFlight = (int)(rate / 10),
            Quiet = world.Now - node.LastRequest,
            Load = rate / world.Capacity,
        }));
    }

    public async Task<bool> TellAsync(Instance instance, Intent intent, long epoch, CancellationToken ct)
    {
        await world.BeforeAsync("tell");
        bool heard = Find(instance) is { } node && world.Answers(node) && epoch >= node.Epoch;
        if (heard) (Find(instance)!.Told, Find(instance)!.Epoch) = (intent, epoch);
        await AfterAsync("tell");
        return heard;
    }

    public async Task<bool> RetireAsync(Instance instance, long epoch, CancellationToken ct)
    {
        await world.BeforeAsync("retire");
        bool heard = Find(instance) is { Told: Intent.Drain } node && world.Answers(node) && epoch >= node.Epoch && world.RateOf(node) < 0.01;
        if (heard) Find(instance)!.IsRetired = true;
        await AfterAsync("retire");
        return heard;
    }

    private async Task AfterAsync(string call)
    {
        if (world.OnCall is { } hook) await hook(call, true);
    }

    private SimulatedNode? Find(Instance instance) => world.Nodes.Find(n => n.Id == instance.Id);
}

/// <summary>A store in memory, whose every call may be the master's last.</summary>
internal sealed class SimulatedStore(SimulatedWorld world) : IObjectStore
{
    private readonly Dictionary<string, StoredObject> _objects = [];
    private int _written;

    public Func<bool> IsDown { get; set; } = () => false;

    public async ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
    {
        if (IsDown()) throw new StoreTroubleException("It is down.");
        await world.BeforeAsync("get");
        return _objects.GetValueOrDefault(name);
    }

    public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => GetAsync(name, ct);

    public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
    {
        if (IsDown()) throw new StoreTroubleException("It is down.");
        await world.BeforeAsync("put");
        bool matches = _objects.GetValueOrDefault(name)?.ETag == ifMatch;
        if (matches) _objects[name] = new StoredObject($"{++_written}", bytes.ToArray());
        if (world.OnCall is { } hook) await hook("put", true);
        return matches ? PutResult.Written : PutResult.Refused;
    }
}
