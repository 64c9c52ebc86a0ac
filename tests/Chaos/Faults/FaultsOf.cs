using GlobalCache.Chaos.Parts;
using GlobalCache.Chaos.World;

namespace GlobalCache.Chaos.Faults;

/// <summary>Everything that may go wrong in a town.</summary>
internal sealed class FaultsOf(Town town)
{
    public IReadOnlyList<Fault> All =>
    [
        new("node killed", TimeSpan.FromHours(1), dice => OnSome(dice, machine =>
        {
            TimeSpan length = Between(dice, 2, 300);
            town.Fleet.Trouble(machine, length);
            town.RestartNode(machine, length);
        })),
        new("node asleep", TimeSpan.FromHours(1), dice => OnSome(dice, machine =>
        {
            TimeSpan length = Between(dice, 1, 90);
            town.Fleet.Trouble(machine, length);
            Sleep(machine.Node?.Life, length);
        })),
        new("machine lost", TimeSpan.FromHours(3), dice => OnSome(dice, machine =>
        {
            town.Fleet.Trouble(machine, TimeSpan.Zero);
            town.Machines.Lose(machine);
        })),
        new("no machines to be had", TimeSpan.FromHours(4), dice =>
        {
            town.Machines.Full = dice.NextDouble();
            town.World.After(Between(dice, 60, 1800), () => town.Machines.Full = 0);
        }),
        new("cloud down", TimeSpan.FromHours(3), dice =>
        {
            town.Machines.Calls.IsDown = true;
            town.World.After(Between(dice, 5, 900), () => town.Machines.Calls.IsDown = false);
        }),
        new("cloud loses calls", TimeSpan.FromHours(2), dice =>
        {
            town.Machines.Calls.Lost = 0.4 * dice.NextDouble();
            town.World.After(Between(dice, 30, 1800), () => town.Machines.Calls.Lost = 0);
        }),
        new("zone down", TimeSpan.FromHours(3), dice =>
        {
            town.Zone.Calls.IsDown = true;
            town.World.After(Between(dice, 5, 900), () => town.Zone.Calls.IsDown = false);
        }),
        new("zone loses calls", TimeSpan.FromHours(2), dice =>
        {
            town.Zone.Calls.Lost = 0.4 * dice.NextDouble();
            town.World.After(Between(dice, 30, 1800), () => town.Zone.Calls.Lost = 0);
        }),
        new("crowd", TimeSpan.FromHours(3), dice =>
        {
            town.Crowd = 2 + (10 * dice.NextDouble());
            town.World.After(Between(dice, 300, 3600), () => town.Crowd = 1);
        }),
        new("client killed", TimeSpan.FromHours(1), dice => town.RestartClient(dice.Next(town.ClientsNow.Length), Between(dice, 1, 60))),
        new("client asleep", TimeSpan.FromHours(1), dice => town.SleepClient(dice.Next(town.ClientsNow.Length), Between(dice, 1, 180))),
        new("master killed", TimeSpan.FromHours(2), dice =>
        {
            town.EndMaster();
            town.World.After(Between(dice, 5, 1800), () =>
            {
                if (town.Master is null) town.StartMaster();
            });
        }),
        new("master asleep", TimeSpan.FromHours(2), dice =>
        {
            Sleep(town.Master?.Life, Between(dice, 1, 90));
            // Somebody takes it for dead, and starts another: two are alive, and one may act.
            if (town.Master is not { } old || dice.Next(2) == 0) return;
            town.StartMaster();
            town.World.After(Between(dice, 60, 1200), old.Life.End);
        }),
        new("store down", TimeSpan.FromHours(2), dice =>
        {
            town.Bucket.Calls.IsDown = true;
            TimeSpan length = Between(dice, 2, 180);
            // No node is ready without its store.
            OnAll(length);
            town.World.After(length, () => town.Bucket.Calls.IsDown = false);
        }),
        new("store loses calls", TimeSpan.FromHours(1), dice =>
        {
            town.Bucket.Calls.Lost = 0.3 * dice.NextDouble();
            TimeSpan length = Between(dice, 30, 900);
            OnAll(length);
            town.World.After(length, () => town.Bucket.Calls.Lost = 0);
        }),
        new("store slow", TimeSpan.FromHours(1), dice =>
        {
            town.Bucket.Calls.Slowness = 1 + (200 * dice.NextDouble());
            TimeSpan length = Between(dice, 30, 600);
            OnAll(length);
            town.World.After(length, () => town.Bucket.Calls.Slowness = 1);
        }),
        new("way to nodes lossy", TimeSpan.FromHours(1), dice => town.Lose("node", 0.5 * dice.NextDouble(), Between(dice, 30, 900))),
        new("way to master lossy", TimeSpan.FromHours(1), dice => town.Lose("master", 0.5 * dice.NextDouble(), Between(dice, 30, 900))),
        new("way between master and nodes lossy", TimeSpan.FromHours(2), dice =>
        {
            TimeSpan length = Between(dice, 30, 900);
            OnAll(length);
            town.Lose("private", 0.8 * dice.NextDouble(), length);
        }),
        new("way to grid lossy", TimeSpan.FromHours(1), dice => town.Lose("origin", 0.3 * dice.NextDouble(), Between(dice, 30, 600))),
        new("grid outage", TimeSpan.FromHours(2), dice => town.BreakGrid(dice.Next(2), Between(dice, 2, 300))),
        new("DNS silent", TimeSpan.FromHours(2), dice =>
        {
            town.Resolver.IsSilent = true;
            town.World.After(Between(dice, 10, 900), () => town.Resolver.IsSilent = false);
        }),
        new("clock jumps", TimeSpan.FromHours(1), dice =>
        {
            Machine[] machines = [.. town.Machines.Live];
            Life?[] lives = [.. machines.Select(m => m.Node?.Life), .. town.ClientsNow.Select(c => c?.Life), town.Master?.Life];
            int which = dice.Next(lives.Length);
            if (lives[which] is not { } life) return;
            // Now and then by so much that no certificate of that day is good.
            TimeSpan jump = dice.Next(8) == 0 ? Between(dice, -1e7, 1e7) : Between(dice, -7200, 7200), length = Between(dice, 60, 3600);
            if (which < machines.Length) town.Fleet.Trouble(machines[which], length);
            else if (life == town.Master?.Life) OnAll(length);
            life.Clock.Wrong += jump;
            town.World.After(life, length, () => life.Clock.Wrong = TimeSpan.Zero);
        }),
        new("disk full", TimeSpan.FromHours(2), dice => town.FillDisk(dice.Next(town.ClientsNow.Length), Between(dice, 10, 600))),
    ];

    private void OnSome(Random dice, Action<Machine> strike)
    {
        Machine[] live = [.. town.Machines.Live];
        if (live.Length > 0) strike(live[dice.Next(live.Length)]);
    }

    /// <summary>A master may take any node for lost.</summary>
    private void OnAll(TimeSpan length)
    {
        foreach (Machine machine in town.Machines.Live) town.Fleet.Trouble(machine, length);
    }

    private static void Sleep(Life? life, TimeSpan length) => life?.Sleep(length);

    private static TimeSpan Between(Random dice, double low, double high) => TimeSpan.FromSeconds(low + ((high - low) * dice.NextDouble()));
}
