using GlobalCache.Master.Fleets;
using GlobalCache.Master.Zones;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Master.Grids;

/// <summary>What one kind of grid differs in from another: where its secrets and objects lie, on what machines its nodes run, and who answers for its name. All else of a master is the same.</summary>
internal sealed record GridParts
{
    /// <summary>Signs and seals in the grid's name.</summary>
    public required KeptGrid Grid { get; init; }

    /// <summary>Where roll, control document, lease and memory lie.</summary>
    public required IObjectStore Store { get; init; }

    /// <summary>The name that all nodes share.</summary>
    public required IZone Zone { get; init; }

    /// <summary>The machines that nodes run on.</summary>
    public required IFleet Fleet { get; init; }

    /// <summary>Those machines are there whatever the master does.</summary>
    public bool IsFixed { get; init; }

    /// <summary>They are paid by the hour, as the policy's price table says.</summary>
    public bool IsPaid { get; init; }

    /// <summary>They end with the master's program, as a person expects who has started it by hand.</summary>
    public bool EndsWithMaster { get; init; }

    /// <summary>The policy declared at this start; null: it cannot be read, and what was in force goes on.</summary>
    public required GridPolicy? Policy { get; init; }

    /// <summary>SHA-256 of the admin code in force.</summary>
    public required Func<byte[]> AdminCodeHash { get; init; }

    /// <summary>The admin code, if it has just been made.</summary>
    public string? NewAdminCode { get; init; }

    /// <summary>Who answers for the name, for people.</summary>
    public required string NamesAt { get; init; }

    /// <summary>Runs beside the master until it is told to stop: declares each new policy.</summary>
    public required Func<Action<GridPolicy>, CancellationToken, Task> FollowAsync { get; init; }

    /// <summary>Disposed of with the master, the last one first.</summary>
    public IReadOnlyList<IDisposable> Owned { get; init; } = [];
}
