namespace GlobalCache.Chaos.World;

/// <summary>An invariant does not hold: what the run was for.</summary>
internal sealed class BrokenPromiseException(string invariant, string what) : Exception($"{invariant}: {what}")
{
    public string Invariant { get; } = invariant;
}

/// <summary>Invariants by name: how often each was looked at, and the first that did not hold.</summary>
internal sealed class Promises(Simulation world)
{
    private readonly SortedDictionary<string, long> _kept = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> Kept => _kept;

    /// <summary>Counts one look; throws where it does not hold.</summary>
    public void Check(string invariant, bool holds, Func<string> what)
    {
        _kept[invariant] = _kept.GetValueOrDefault(invariant) + 1;
        if (holds) return;
        string told = what();
        world.Tell($"broken {invariant} {told}");
        Failed ??= new BrokenPromiseException(invariant, $"at {world.Now}: {told}");
    }

    /// <summary>The first that did not hold. It is kept rather than thrown, since the code that is looked at catches exceptions too.</summary>
    public BrokenPromiseException? Failed { get; private set; }
}
