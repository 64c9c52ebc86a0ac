using System.Globalization;
using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>The figures a decision was made upon.</summary>
/// <param name="Seen">What was seen.</param>
/// <param name="Level">Demand's level.</param>
/// <param name="Rising">It is surely rising.</param>
/// <param name="Expected">What must be held when a node launched now would serve.</param>
/// <param name="Usual">That is what is usual at this time of the week, not what the last minutes let expect.</param>
/// <param name="Urgent">The nodes are full now.</param>
/// <param name="Needed">Nodes demand needs, the policy's bounds apart.</param>
/// <param name="Policy">The policy.</param>
internal readonly record struct Figures(
    Observation Seen, double Level, bool Rising, double Expected, bool Usual, bool Urgent, int Needed, ScalingPolicy Policy);

/// <summary>Every decision as one sentence, for the owner of the grid: what is, what is expected, what follows.</summary>
internal static class Reasons
{
    private static readonly string[] s_numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    private static readonly string[] s_ordinals = ["", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

    public const string NoFigures = "What the nodes report is no figure: nothing is opened or closed until it is.";

    public const string TooSoon = "Nothing new is known since the last decision.";

    public const string NoRequest = "No request is counted, which a broken meter shows too: nothing is closed until one is.";

    public static string AllSilent(in Observation seen) =>
        $"{Capital(All(seen.Serving))} silent, so nothing is known of demand: nothing is opened or closed until one reports again. Somebody must look.";

    public static string First(in Observation seen, int target) => $"No node serves: {Opened(target - seen.Booting, 0)}.";

    public static string Waiting(in Observation seen) => $"No node serves yet; {Count(seen.Booting)} {(seen.Booting == 1 ? "is" : "are")} on the way.";

    public static string Out(in Figures f, int target)
    {
        string why = f switch
        {
            { Urgent: true } => $"{Now(f)}, more than may be",
            { Usual: true } => $"{Now(f)}; within {Span(f.Policy.Horizon())} {Rate(f.Expected)} are usual at this time of the week",
            { Needed: var needed } when needed < target => $"{Now(f)}, but {Count(target)} are the fewest that are to run",
            _ => $"{Now(f)}; within {Span(f.Policy.Horizon())} {Rate(f.Expected)} are expected",
        };
        return $"{why}: {Change(f, target)}.";
    }

    public static string In(in Figures f, int target, double later, TimeSpan calm) => target < f.Needed
        ? $"{Now(f)}, but {Count(target)} {Are(target)} the most that may run: {Closed(f.Seen.Serving - target)}."
        : $"{Now(f)}; for {Span(calm)} {Count(target)} would have sufficed, even for the {Rate(later)} that may come within {Span(f.Policy.PayBack)}: {Closed(f.Seen.Serving - target)}.";

    public static string Stay(in Figures f, bool manySilent)
    {
        if (f.Needed > f.Policy.Max) return $"{Now(f)}; {Count(f.Needed)} are wanted, and {Count(f.Policy.Max)} {Are(f.Policy.Max)} the most that may run.";
        if (manySilent) return $"{Now(f)}, as far as is known: {Count(f.Seen.Silent)} of them {(f.Seen.Silent == 1 ? "is" : "are")} silent, so none is closed.";
        return f.Seen.Booting > 0
            ? $"{Now(f)}; {Count(f.Seen.Booting)} more {(f.Seen.Booting == 1 ? "is" : "are")} on the way."
            : $"{Now(f)}; {Rate(f.Expected)} are prepared for: {(f.Seen.Serving == 1 ? "it stays" : "they stay")}.";
    }

    public static string Calm(in Figures f, int target, TimeSpan left) =>
        $"{Now(f)}; {Count(target)} would suffice, which is to last {Span(left > TimeSpan.Zero ? left : f.Policy.Tick)} more before {Closed(f.Seen.Serving - target)}.";

    public static string Outage(in Figures f, int target, TimeSpan left) =>
        $"{Now(f)}; {Count(target)} would suffice, but demand collapsed, and a storm of retries may follow: none is closed for {Span(left)} more.";

    public static string Budget(in Figures f, int target) =>
        $"{Now(f)}; {Count(target)} would suffice, but {f.Policy.ScaleInsPerHour.ToString(CultureInfo.InvariantCulture)} closings an hour are the most.";

    public static string Still(in Observation seen, int target) => $"{Capital(Count(target))} are still needed: {Opened(target - seen.Serving - seen.Booting, seen.Serving + seen.Booting)}.";

    private static string Now(in Figures f) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Rate(f.Level)} requests/s{(f.Rising ? " and rising" : "")} fill {f.Level / (f.Seen.Serving * f.Seen.Capacity):0.00} of {Nodes(f.Seen.Serving)}");

    private static string Change(in Figures f, int target)
    {
        int current = f.Seen.Serving + f.Seen.Booting;
        int back = Math.Min(f.Seen.Draining, target - current);
        if (back == 0) return Opened(target - current, current);
        string called = back == 1 ? "one that drains is called back" : $"{Count(back)} that drain are called back";
        return back == target - current ? called : $"{called}, {Opened(target - current - back, current + back)}";
    }

    private static string Opened(int more, int current) => more == 1
        ? $"a {(current + 1 < s_ordinals.Length ? s_ordinals[current + 1] : "further")} node is opened"
        : $"{Nodes(more)} are opened";

    private static string Closed(int fewer) => fewer == 1 ? "one is closed" : $"{Count(fewer)} are closed";

    private static string All(int nodes) => nodes == 1 ? "the one node that serves is" : $"all {Count(nodes)} nodes that serve are";

    private static string Are(int count) => count == 1 ? "is" : "are";

    private static string Nodes(int count) => count == 1 ? "one node" : $"{Count(count)} nodes";

    private static string Count(int count) => count < s_numbers.Length ? s_numbers[count] : count.ToString(CultureInfo.InvariantCulture);

    private static string Rate(double requestsPerSecond) => requestsPerSecond.ToString(requestsPerSecond < 10 ? "0.#" : "0", CultureInfo.InvariantCulture);

    private static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => $"{span.TotalMilliseconds:0} ms",
        { TotalSeconds: <= 300 } when span.TotalSeconds % 60 != 0 || span.TotalSeconds <= 60 => $"{span.TotalSeconds:0} s",
        { TotalHours: < 2 } => $"{span.TotalMinutes:0} min",
        _ => $"{span.TotalHours:0.#} h",
    };

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
