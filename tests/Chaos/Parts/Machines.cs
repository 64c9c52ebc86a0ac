using System.Globalization;
using System.Net;
using GlobalCache.Chaos.World;
using GlobalCache.Master.Fleets;

namespace GlobalCache.Chaos.Parts;

/// <summary>A machine that a node runs on, from the order to its end. The node itself may die and be started again on it.</summary>
internal sealed class Machine
{
    public required string Id { get; init; }

    public required LaunchOrder Order { get; init; }

    public required IPAddress Address { get; init; }

    public required IPAddress PrivateAddress { get; init; }

    public required TimeSpan Launched { get; init; }

    /// <summary>From here on the cloud shows it.</summary>
    public required TimeSpan VisibleAt { get; init; }

    public required TimeSpan RunsAt { get; init; }

    public required Marks Marks { get; set; }

    public TimeSpan? EndedAt { get; set; }

    public bool IsLive => EndedAt is null;

    public NodeLife? Node { get; set; }

    /// <summary>Until then a master may take it for lost: something has happened to it, or on a master's way to it.</summary>
    public TimeSpan TroubledUntil { get; set; }
}

/// <summary>
/// The cloud's machines: they come late, are shown later still, are refused now and then, and end by themselves. Each gets addresses that no other ever had.
/// </summary>
internal sealed class Machines
{
    /// <summary>What every one costs an hour.</summary>
    public const decimal Price = 0.1m;

    private static readonly TimeSpan s_shown = TimeSpan.FromHours(1);

    private readonly Simulation _world;
    private readonly Random _dice;
    private readonly List<Machine> _all = [];
    private readonly Dictionary<(int, int, int), Machine> _orders = [];
    private int _made;

    public Machines(Simulation world)
    {
        (_world, _dice) = (world, world.Dice("machines"));
        Calls = new FarCalls(world, "cloud", why => new FleetTroubleException(why));
    }

    /// <summary>The ways there and back.</summary>
    public FarCalls Calls { get; }

    /// <summary>Share of launches for which there is no room.</summary>
    public double Full { get; set; }

    /// <summary>Told when a machine has booted, when one is ordered, and before one is ended by an order.</summary>
    public Action<Machine> Booted { get; set; } = _ => { };

    public Action<Machine> Launched { get; set; } = _ => { };

    public Action<Machine> Ending { get; set; } = _ => { };

    public int Launches { get; private set; }

    public IEnumerable<Machine> Live => _all.Where(m => m.IsLive);

    /// <summary>Every machine that was live within so long.</summary>
    public IEnumerable<Machine> Since(TimeSpan at) => _all.Where(m => m.EndedAt is null || m.EndedAt > at);

    /// <summary>As one program sees them.</summary>
    public IFleet For(Life life) => new Face(this, life);

    /// <summary>It ends by itself, as machines do.</summary>
    public void Lose(Machine machine)
    {
        if (!machine.IsLive) return;
        _world.Tell($"lost {machine.Id}");
        machine.EndedAt = _world.Now;
        machine.Node?.Life.End();
    }

    private Machine Launch(LaunchOrder order)
    {
        if (_orders.TryGetValue((order.Slot, order.Generation, order.Attempt), out Machine? there)) return there;
        int number = ++_made;
        TimeSpan boot = TimeSpan.FromSeconds(30 + (60 * _dice.NextDouble()));
        var machine = new Machine
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"i-{number}"),
            Order = order,
            Address = new IPAddress([10, 1, (byte)(number >> 8), (byte)number]),
            PrivateAddress = new IPAddress([10, 2, (byte)(number >> 8), (byte)number]),
            Launched = _world.Now,
            VisibleAt = _world.Now + TimeSpan.FromSeconds(20 * _dice.NextDouble()),
            RunsAt = _world.Now + boot,
            Marks = new Marks(Intent.Serve, order.Epoch),
        };
        Launches++;
        _all.RemoveAll(m => _world.Now - m.EndedAt > TimeSpan.FromHours(25));
        _all.Add(machine);
        _orders[(order.Slot, order.Generation, order.Attempt)] = machine;
        _world.Tell($"launched {machine.Id} slot {order.Slot}");
        Launched(machine);
        _world.After(boot, () =>
        {
            if (machine.IsLive) Booted(machine);
        });
        return machine;
    }

    private bool Mark(string id, Marks marks)
    {
        if (Find(id) is not { IsLive: true } machine) return false;
        if (machine.Marks.Intent != marks.Intent) _world.Tell($"marked {id} {marks.Intent}");
        machine.Marks = marks;
        return true;
    }

    private bool Terminate(string id)
    {
        if (Find(id) is not { IsLive: true } machine) return false;
        Ending(machine);
        _world.Tell($"ended {id}");
        machine.EndedAt = _world.Now;
        machine.Node?.Life.End();
        return true;
    }

    private Machine? Find(string id) => _all.Find(m => m.Id == id);

    private Instance Show(Machine machine) => new()
    {
        Id = machine.Id,
        Slot = machine.Order.Slot,
        Generation = machine.Order.Generation,
        State = !machine.IsLive ? InstanceState.Terminated : _world.Now >= machine.RunsAt ? InstanceState.Running : InstanceState.Pending,
        Address = _world.Now >= machine.RunsAt ? machine.Address : null,
        PrivateAddress = machine.PrivateAddress,
        Launched = Simulation.Begin + machine.Launched,
        Type = "small",
        Marks = machine.Marks,
    };

    private sealed class Face(Machines machines, Life life) : IFleet
    {
        public Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct) => machines.Calls.CallAsync(life, () =>
        {
            TimeSpan now = machines._world.Now;
            return (IReadOnlyList<Instance>)[.. machines._all.Where(m => now >= m.VisibleAt && !(now - m.EndedAt > s_shown)).Select(machines.Show)];
        }, ct);

        public async Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct)
        {
            try
            {
                return await machines.Calls.CallAsync(life, () =>
                {
                    bool isKnown = machines._orders.ContainsKey((order.Slot, order.Generation, order.Attempt));
                    return !isKnown && machines._dice.NextDouble() < machines.Full ? new LaunchAnswer(LaunchOutcome.NoCapacity, "There is no room for one more.")
                        : new LaunchAnswer(LaunchOutcome.Launched, "", machines.Show(machines.Launch(order)));
                }, ct);
            }
            catch (FleetTroubleException e)
            {
                return new LaunchAnswer(LaunchOutcome.Unknown, e.Message);
            }
        }

        public Task MarkAsync(string id, Marks marks, CancellationToken ct) => machines.Calls.CallAsync(life, () => machines.Mark(id, marks), ct);

        public Task TerminateAsync(string id, CancellationToken ct) => machines.Calls.CallAsync(life, () => machines.Terminate(id), ct);
    }
}
