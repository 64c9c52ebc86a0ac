using GlobalCache.Live.Processes;
using GlobalCache.Live.Walkers;
using GlobalCache.TestGrid;

namespace GlobalCache.Live.Faults;

/// <summary>What may befall real processes, and how long it is felt.</summary>
internal static class FaultsOfTown
{
    /// <summary>After a process goes on, what waited for it is still on its way for so long.</summary>
    private static readonly TimeSpan s_echo = TimeSpan.FromSeconds(2);

    /// <summary>Somebody behind a lossy line notices it for so long after: lost packets are sent again.</summary>
    private static readonly TimeSpan s_resends = TimeSpan.FromSeconds(15);

    /// <summary>A client has to be back within so long for its sessions to be resumed (<c>ClientLimits.ResumeWithin</c>).</summary>
    private static readonly TimeSpan s_back = TimeSpan.FromSeconds(30);

    public static IReadOnlyList<Fault> Of(Town town) =>
    [
        new("kill -9 of a client", 3, dice => ClientKilled(town, town.Clients[dice.Next(town.Clients.Count)], Seconds(dice, 0, 8))),
        new("a client stopped", 2, dice => ClientStopped(town, town.Clients[dice.Next(town.Clients.Count)], Seconds(dice, 1, 8))),
        new("kill -9 of a node", 4, dice => NodeKilled(town, dice)),
        new("a node stopped", 4, dice => NodeStopped(town, dice, Seconds(dice, 1, 15))),
        new("kill -9 of the master", 2, dice => MasterKilled(town, Seconds(dice, 0, 10))),
        new("the master stopped", 2, dice => MasterStopped(town, Seconds(dice, 1, 15))),
        new("a client's disk full", 2, dice => DiskFull(town, dice.Next(town.Clients.Count), Seconds(dice, 3, 20))),
        new("the grid's disk full", 2, dice => DiskFull(town, town.Clients.Count, Seconds(dice, 3, 20))),
        new("UDP loss", 3, dice => Loss(town, dice.Next(1, 21) / 100.0, Seconds(dice, 5, 20))),
        new("outage of the grid", 2, dice => Outage(town, dice, Seconds(dice, 2, 8))),
    ];

    private static Struck ClientKilled(Town town, ClientProgram client, TimeSpan away) => new(client.Name, async over =>
    {
        Spell spell = town.Book.Begin("kill -9", client.Name);
        TimeSpan at = town.Clock.Now;
        await client.KillAsync();
        await town.Clock.WaitAsync(away, over);
        await town.StartAgainAsync(() => client.StartAsync());
        TimeSpan took = town.Clock.Now - at;
        town.RestartsTook.Add(took - away);
        town.Book.Check(Book.Restarts, took < s_back, $"{client.Name} was away for {took}");
        town.Book.End(spell, s_echo);
    });

    private static Struck? ClientStopped(Town town, ClientProgram client, TimeSpan span) =>
        client.Id is not { } pid ? null : new(client.Name, over => StopAsync(town, pid, client.Name, span, over));

    private static Struck? NodeKilled(Town town, Random dice) => Node(town, dice) is not var (name, pid) ? null : new(name, over =>
    {
        // Nobody is to notice: nothing is excused for it.
        Spell spell = town.Book.Begin("kill -9", Slot(name));
        Signals.Kill(pid);
        town.Book.End(spell, s_echo);
        return Task.CompletedTask;
    });

    private static Struck? NodeStopped(Town town, Random dice, TimeSpan span) =>
        Node(town, dice) is not var (name, pid) ? null : new(name, over => StopAsync(town, pid, Slot(name), span, over));

    private static Struck MasterKilled(Town town, TimeSpan away) => new("the master", async over =>
    {
        Spell spell = town.Book.Begin("kill -9", "the master");
        await town.Master.KillAsync();
        await town.Clock.WaitAsync(away, over);
        await town.StartAgainAsync(() => town.Master.StartAsync());
        town.Book.End(spell, s_echo);
    });

    private static Struck? MasterStopped(Town town, TimeSpan span) =>
        town.Master.Id is not { } pid ? null : new("the master", over => StopAsync(town, pid, "the master", span, over));

    private static Struck? DiskFull(Town town, int number, TimeSpan span) => town.Disks.ElementAtOrDefault(number) is not { } disk ? null : new($"disk {number}", async over =>
    {
        // Nothing is excused for it: a full disk is no reason not to answer.
        Spell spell = town.Book.Begin("full disk", number < town.Clients.Count ? town.Clients[number].Name + "'s disk" : "the grid's disk");
        await disk.FillAsync();
        await town.Clock.WaitAsync(span, over);
        disk.Empty();
        town.Book.End(spell, TimeSpan.Zero);
    });

    private static Struck Loss(Town town, double share, TimeSpan span) => new(Town.Wire, async over =>
    {
        Spell spell = town.Book.Begin($"UDP loss", Town.Wire);
        town.LossNow = share;
        await town.Clock.WaitAsync(span, over);
        town.LossNow = 0;
        town.Book.End(spell, s_resends);
    });

    private static Struck Outage(Town town, Random dice, TimeSpan span) => new(HttpLook.Grid, async over =>
    {
        (string kind, AssetFault fault) = dice.Next(4) switch
        {
            0 => ("503", new AssetFault { Status = 503, RetryAfterSeconds = 1 }),
            1 => ("slow", new AssetFault { Latency = TimeSpan.FromSeconds(3) }),
            2 => ("cut", new AssetFault { CutAfter = 500 }),
            _ => ("hang", new AssetFault { Latency = TimeSpan.FromSeconds(20), Status = 504 }),
        };
        Spell spell = town.Book.Begin($"outage ({kind})", HttpLook.Grid);
        town.Grid.Faults.SetAll(fault);
        await town.Clock.WaitAsync(span, over);
        town.Grid.Faults.SetAll(Town.Usual);
        // What was asked at the last moment is answered as late.
        town.Book.End(spell, fault.Latency + s_echo);
    });

    private static async Task StopAsync(Town town, int pid, string who, TimeSpan span, CancellationToken over)
    {
        Spell spell = town.Book.Begin("SIGSTOP", who);
        Signals.Freeze(pid);
        await town.Clock.WaitAsync(span, over);
        Signals.Thaw(pid);
        town.Book.End(spell, s_echo);
    }

    private static (string Name, int Pid)? Node(Town town, Random dice)
    {
        KeyValuePair<string, int>[] nodes = [.. town.Nodes.OrderBy(n => n.Key, StringComparer.Ordinal)];
        return nodes.Length == 0 ? null : (nodes[dice.Next(nodes.Length)] is var node ? (node.Key, node.Value) : default);
    }

    private static string Slot(string name) => "node " + name.Split('-')[0];

    private static TimeSpan Seconds(Random dice, double least, double most) => TimeSpan.FromSeconds(least + ((most - least) * dice.NextDouble()));
}
