namespace GlobalCache.Master.Reconcile;

/// <summary>What a fleet has used within a day, hour by hour, as one master leaves it to the next in the lease.</summary>
/// <param name="At">When it was written down.</param>
/// <param name="Begun">Since when there has been counting; days that nobody saw are taken to have been the least that may run.</param>
/// <param name="NodeHours">Of the last 24 hours, the newest first.</param>
/// <param name="Spend">The same in the price table's currency.</param>
internal sealed record DayUse(DateTimeOffset At, DateTimeOffset Begun, IReadOnlyList<double> NodeHours, IReadOnlyList<decimal> Spend)
{
    /// <summary>So many there are.</summary>
    public const int Hours = 24;

    /// <summary>Whether it can be counted with.</summary>
    public bool IsSound => NodeHours is { Count: Hours } hours && Spend is { Count: Hours } spend && hours.All(h => h is >= 0 and < 1e6) && spend.All(m => m is >= 0 and < 1e9m);
}
