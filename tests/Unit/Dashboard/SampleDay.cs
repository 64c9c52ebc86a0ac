using System.Net;
using GlobalCache.Master.Dashboard;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Tests.Dashboard;

/// <summary>A day of a fleet as the master's parts would show it, minute by minute: quiet at night, busy in the evening.</summary>
internal sealed class SampleDay
{
    public static readonly DateTimeOffset Evening = new(2026, 3, 6, 20, 30, 0, TimeSpan.Zero);

    private readonly StateOf _book = new();
    private readonly List<HistoryEntry> _history = [];
    private long _served;
    private int _nodesBefore = 1;

    public DayPlot Day => _book.Day;

    public DateTimeOffset Now { get; private set; } = Evening - TimeSpan.FromDays(1);

    public IReadOnlyList<string> Alarms { get; set; } = [];

    public bool Leads { get; set; } = true;

    /// <summary>Added to the day's own demand.</summary>
    public double Extra { get; set; }

    /// <summary>Goes on so many minutes.</summary>
    public SampleDay Pass(int minutes)
    {
        for (int i = 0; i < minutes; i++)
        {
            Now += TimeSpan.FromMinutes(1);
            _served += (long)(Demand * 60);
            Look();
        }

        return this;
    }

    /// <summary>One more look at this minute.</summary>
    public MasterState Look()
    {
        int nodes = Nodes;
        if (nodes != _nodesBefore)
        {
            _history.Add(new HistoryEntry(Now, "", "decide", $"{Demand:0} requests/s and {(nodes > _nodesBefore ? "rising" : "falling")}: {nodes} nodes are to serve."));
            _history.Add(new HistoryEntry(Now, $"node {Math.Max(nodes, _nodesBefore) - 1}.3", nodes > _nodesBefore ? "launch" : "mark", nodes > _nodesBefore ? "It is asked for." : "It is to drain, as the one with the least traffic."));
            _history.Add(new HistoryEntry(Now, "the DNS", "dns", $"It names {nodes} nodes now."));
            _nodesBefore = nodes;
        }

        int draining = Now > Evening - TimeSpan.FromMinutes(20) ? 1 : 0;
        NodeView[] views = [.. Enumerable.Range(0, nodes + draining).Select(slot => View(slot, slot < nodes ? NodeState.InService : NodeState.Draining))];
        return _book.Take(new Facts
        {
            Now = Now,
            Grid = "grid.example.net",
            Snapshot = !Leads ? new Snapshot { At = Now, Leads = false } : new Snapshot
            {
                At = Now,
                Leads = true,
                Epoch = 7,
                Nodes = views,
                Published = views.Where(v => v.InDns).Select(v => v.Instance.Address!).ToHashSet(),
                Seen = new Observation(Demand, nodes, 0, draining, 55, 0),
                Plan = new Plan(nodes, PlanKind.Stay, $"{Demand:0} requests/s: {nodes} nodes serve it at {Demand / nodes / 55:0.00}."),
                Usage = new Usage(nodes, nodes + draining, 2, 71.4, 0.085m * (nodes + draining), 6.07m),
                Alarms = Alarms,
            },
            History = _history,
            Policy = new GridPolicy(),
            Price = _ => 0.085m,
            Report = Report,
            Forecast = Demand * 1.08,
        });
    }

    private double Demand => Extra + 110 + (85 * Math.Sin((Now.TimeOfDay.TotalHours - 14) / 24 * 2 * Math.PI)) + (6 * Math.Sin(Now.TimeOfDay.TotalMinutes));

    // One is closed only when far fewer would do.
    private int Nodes
    {
        get
        {
            int needed = Math.Max(1, (int)Math.Ceiling(Demand / 52)), kept = Math.Max(1, (int)Math.Ceiling(Demand / 42));
            return Math.Clamp(_nodesBefore, needed, kept);
        }
    }

    private static NodeView View(int slot, NodeState state) => new()
    {
        Instance = new Instance
        {
            Id = $"i-{slot}",
            Slot = slot,
            Generation = 3,
            State = InstanceState.Running,
            Address = IPAddress.Parse($"192.0.2.{slot + 10}"),
            Launched = Evening - TimeSpan.FromHours(30),
            Type = "c6i.large",
            Marks = new Marks(state == NodeState.InService ? Intent.Serve : Intent.Drain, 7),
        },
        State = state,
        For = TimeSpan.FromMinutes(47 + slot),
        InDns = state == NodeState.InService,
        Look = new NodeLook { At = Evening, Ready = true },
    };

    // The first node has all there was before the day began.
    private NodeReport? Report(string instance)
    {
        int slot = int.Parse(instance[2..]);
        double share = slot < Nodes ? Demand / Nodes * (1 + (0.04 * ((slot % 3) - 1))) : 0.4;
        return new NodeReport
        {
            Node = instance,
            At = Now.ToUnixTimeMilliseconds(),
            Ready = true,
            Draining = slot >= Nodes,
            RequestsPerSecond = share,
            Load = share / 55,
            InFlight = (int)(share / 4),
            SentBytesPerSecond = share * 120_000,
            Hits = slot == 0 ? 1_000_000 + (long)(_served * 0.93) : 0,
            Misses = slot == 0 ? 80_000 + (long)(_served * 0.07) : 0,
            SentBytes = slot == 0 ? _served * 118_000 : 0,
        };
    }
}
