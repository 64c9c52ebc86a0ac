using GlobalCache.Chaos.World;

namespace GlobalCache.Chaos.Faults;

/// <summary>One kind of fault: how often it comes, and what it does.</summary>
/// <param name="Name">In the trace and the report.</param>
/// <param name="Every">On the average.</param>
/// <param name="Strike">Does it, and plans its end.</param>
internal sealed record Fault(string Name, TimeSpan Every, Action<Random> Strike);

/// <summary>Faults as they come, each kind at its own random times, so that they meet.</summary>
internal sealed class Weather
{
    private readonly Simulation _world;
    private readonly SortedDictionary<string, int> _struck = new(StringComparer.Ordinal);

    /// <param name="world">Where they strike.</param>
    /// <param name="faults">What there is.</param>
    /// <param name="harshness">So many times as often.</param>
    public Weather(Simulation world, IEnumerable<Fault> faults, double harshness)
    {
        _world = world;
        foreach (Fault fault in faults)
        {
            if (harshness > 0) Plan(fault with { Every = fault.Every / harshness }, world.Dice("fault " + fault.Name));
        }
    }

    /// <summary>How often each has come.</summary>
    public IReadOnlyDictionary<string, int> Struck => _struck;

    private void Plan(Fault fault, Random dice) => _world.After(fault.Every * -Math.Log(1 - dice.NextDouble()), () =>
    {
        _struck[fault.Name] = _struck.GetValueOrDefault(fault.Name) + 1;
        _world.Tell("fault " + fault.Name);
        fault.Strike(dice);
        Plan(fault, dice);
    });
}
