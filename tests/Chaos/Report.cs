using System.Globalization;
using System.Text;

namespace GlobalCache.Chaos;

/// <summary>A run in a few lines; the first ends with what another run of the seed has to end with.</summary>
internal static class Report
{
    public static string Of(Town town, TimeSpan took)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"seed {town.World.Seed}: {town.World.Now.TotalHours:0.##} h in {took.TotalSeconds:0.0} s, {town.World.Trace.Count} events, hash {town.World.Trace.Hash:x16}").AppendLine();
        text.Append(CultureInfo.InvariantCulture, $"  viewers: {town.Viewers.Requests} requests, {town.Viewers.Served} served, {town.Viewers.InRestart} in a client's restart, {town.Viewers.InOutage} in a grid's outage, {town.Viewers.Open} open").AppendLine();
        text.Append(CultureInfo.InvariantCulture, $"  store: {town.Bucket.Calls.Count} calls, {town.Store.Published} published, {town.Store.Withdrawn} withdrawn; {town.NodeHits} hits").AppendLine();
        text.Append(CultureInfo.InvariantCulture, $"  fleet: {town.Machines.Launches} launched, {town.Fleet.Ended} ended by order, {town.Machines.Live.Count()} there").AppendLine();
        text.Append("  looked at: ").AppendJoin(", ", town.Promises.Kept.Select(k => string.Create(CultureInfo.InvariantCulture, $"{k.Key} {k.Value}"))).AppendLine();
        text.Append("  faults: ").AppendJoin(", ", town.Weather.Struck.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Key} {f.Value}")));
        return text.ToString();
    }
}

/// <summary>Several runs in a few lines.</summary>
internal sealed class Totals
{
    private readonly SortedDictionary<string, long> _looked = new(StringComparer.Ordinal), _struck = new(StringComparer.Ordinal);
    private long _runs, _requests, _served, _inRestart, _inOutage, _published, _hits, _launched, _ended;
    private double _hours;

    /// <summary>Adds a run that has come to its end.</summary>
    public void Add(Town town)
    {
        _runs++;
        _hours += town.World.Now.TotalHours;
        _requests += town.Viewers.Requests;
        _served += town.Viewers.Served;
        _inRestart += town.Viewers.InRestart;
        _inOutage += town.Viewers.InOutage;
        _published += town.Store.Published;
        _hits += town.NodeHits;
        _launched += town.Machines.Launches;
        _ended += town.Fleet.Ended;
        foreach ((string invariant, long looks) in town.Promises.Kept) _looked[invariant] = _looked.GetValueOrDefault(invariant) + looks;
        foreach ((string fault, int times) in town.Weather.Struck) _struck[fault] = _struck.GetValueOrDefault(fault) + times;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{_runs} seeds, {_hours:0.##} h: {_requests} requests, {_served} served, {_inRestart} in a client's restart, {_inOutage} in a grid's outage; {_published} published, {_hits} hits; {_launched} machines, {_ended} ended by order").AppendLine();
        text.Append("  looked at: ").AppendJoin(", ", _looked.Select(k => string.Create(CultureInfo.InvariantCulture, $"{k.Key} {k.Value}"))).AppendLine();
        return text.Append("  faults: ").AppendJoin(", ", _struck.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Key} {f.Value}"))).ToString();
    }
}
