using System.Text.Json.Serialization;

namespace GlobalCache.Master.Reconcile;

/// <summary>What a fleet has used within a day, hour by hour, as one master leaves it to the next in the lease.</summary>
/// <param name="At">When it was written down.</param>
/// <param name="Counted">How long there has been counting, by all masters together; what nobody counted is not in it.</param>
/// <param name="NodeHours">By the hours of <paramref name="Counted"/>, the one that has begun first.</param>
/// <param name="Spend">The same in the price table's currency.</param>
/// <param name="Before">What the nodes that the first master found had run within the day before.</param>
/// <param name="SpendBefore">The same in money.</param>
internal sealed record DayUse(DateTimeOffset At, TimeSpan Counted, IReadOnlyList<double> NodeHours, IReadOnlyList<decimal> Spend, double Before, decimal SpendBefore)
{
    /// <summary>So many a day touches.</summary>
    public const int Hours = 25;

    private const double Most = 1e6;
    private const decimal MostSpend = 1e6m;

    /// <summary>Whether it can be counted with.</summary>
    [JsonIgnore]
    public bool IsSound => Counted >= TimeSpan.Zero && Counted < TimeSpan.FromDays(Most) && NodeHours is { Count: Hours } hours && Spend is { Count: Hours } spend
        && hours.Append(Before).All(h => h is >= 0 and < Most) && spend.Append(SpendBefore).All(m => m is >= 0 and < MostSpend);
}
