namespace GlobalCache.Live.Faults;

/// <summary>One kind of trouble.</summary>
/// <param name="Kind">What it is called.</param>
/// <param name="Often">How often beside the others.</param>
/// <param name="Part">What it befalls; a part has one trouble at a time. Null: nothing that could be in trouble now.</param>
internal sealed record Fault(string Kind, int Often, Func<Random, Struck?> Part);

/// <summary>Something is struck.</summary>
/// <param name="Part">What.</param>
/// <param name="GoOnAsync">From the first moment until it is whole again; the token is for waits alone: what was broken is mended in any case.</param>
internal sealed record Struck(string Part, Func<CancellationToken, Task> GoOnAsync);

/// <summary>Trouble at random moments, the same kinds in the same order for the same seed. What the processes make of it is their own and differs from run to run.</summary>
/// <param name="clock">Of the run.</param>
/// <param name="seed">What chance follows from.</param>
/// <param name="pause">Between two faults, on the average.</param>
/// <param name="faults">What may come.</param>
internal sealed class Weather(Clock clock, int seed, TimeSpan pause, IReadOnlyList<Fault> faults)
{
    private readonly Random _dice = new(seed);
    private readonly HashSet<string> _inTrouble = [];
    private readonly List<Task> _going = [];

    /// <summary>Until told to stop; then until all is well again.</summary>
    public async Task RunAsync(CancellationToken over)
    {
        while (await clock.WaitAsync(pause * -Math.Log(1 - _dice.NextDouble()), over))
        {
            Fault fault = Any();
            int dice = _dice.Next();
            if (fault.Part(new Random(dice)) is not { } struck) continue;
            lock (_inTrouble)
            {
                if (!_inTrouble.Add(struck.Part)) continue;
            }
            _going.RemoveAll(t => t.IsCompletedSuccessfully);
            _going.Add(StrikeAsync(struck, over));
        }
        await Task.WhenAll(_going);
    }

    private async Task StrikeAsync(Struck struck, CancellationToken over)
    {
        try
        {
            await struck.GoOnAsync(over);
        }
        finally
        {
            lock (_inTrouble) _inTrouble.Remove(struck.Part);
        }
    }

    private Fault Any()
    {
        int at = _dice.Next(faults.Sum(f => f.Often));
        foreach (Fault fault in faults)
        {
            if ((at -= fault.Often) < 0) return fault;
        }
        return faults[^1];
    }
}
