using System.Net;
using System.Net.Http.Headers;
using GlobalCache.Chaos.Parts;
using GlobalCache.Chaos.World;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Chaos.Invariants;

/// <summary>One request of a viewer.</summary>
internal sealed record Asked(ClientHome Client, AssetKey Key, RangeHeaderValue? Range, TimeSpan At);

/// <summary>
/// <c>RightBytes</c>: whatever is in trouble, a viewer gets the asset's very bytes, or what the grid itself says. <c>InTime</c>: no later than the grid would have
/// answered it directly, and the hold. Neither is asked of a request that the grid itself, the way to it, or the end of the client spoilt: those are counted.
/// </summary>
internal sealed class ViewerPromises(Simulation world, Promises promises, Assets assets, ClientLimits limits)
{
    public const string RightBytes = nameof(RightBytes), InTime = nameof(InTime), Answers = nameof(Answers);

    /// <summary>A way of a request or an answer between client and asset host takes no longer.</summary>
    public static readonly TimeSpan LongestWay = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan s_rounding = TimeSpan.FromMilliseconds(2);

    private readonly Dictionary<(string Client, Guid Id), TimeSpan> _troubled = [];
    private readonly Dictionary<string, TimeSpan> _restarted = [];
    private readonly Dictionary<string, TimeSpan> _outages = [];
    private readonly Dictionary<Asked, TimeSpan> _open = [];

    public long Requests { get; private set; }

    /// <summary>Answered with bytes.</summary>
    public long Served { get; private set; }

    /// <summary>Those that the client's own end or sleep has spoilt.</summary>
    public long InRestart { get; private set; }

    /// <summary>Those that the grid or the way to it has spoilt.</summary>
    public long InOutage { get; private set; }

    public int Open => _open.Count;

    /// <summary>Whose viewers are promised nothing: what a liar tells its own viewer is its business.</summary>
    public HashSet<string> Liars { get; } = [];

    /// <summary>Something has happened on the way between this client and an asset host; it may be felt for so long.</summary>
    public void OnTheWay(string client, Guid id) => _troubled[(client, id)] = world.Now + limits.AssetAnswerTimeout + limits.AssetStallTimeout;

    /// <summary>A client was killed, sleeps until, or has just been started.</summary>
    public void Restarts(string client, TimeSpan until) => _restarted[client] = Later(_restarted.GetValueOrDefault(client, TimeSpan.MinValue), until);

    /// <summary>A world's asset host is out of order until then.</summary>
    public void Outage(string grid, TimeSpan until) => _outages[grid] = Later(_outages.GetValueOrDefault(grid, TimeSpan.MinValue), until);

    public void Began(Asked asked)
    {
        Requests++;
        _open[asked] = world.Now;
    }

    public void Answered(Asked asked, HttpStatusCode status, ContentRangeHeaderValue? range, byte[] bytes)
    {
        _open.Remove(asked);
        world.Tell($"answer {asked.Client.Name} {asked.Key.Id.ToString()[^4..]} {asked.Range} {(int)status} {bytes.Length} {(world.Now - asked.At).Ticks}");
        if (Liars.Contains(asked.Client.Name)) return;
        byte[]? truth = assets.Of(asked.Key);
        if (status is HttpStatusCode.OK or HttpStatusCode.PartialContent)
        {
            Served++;
            promises.Check(RightBytes, truth is not null && IsRight(asked, status, range, bytes, truth), () => $"{asked} was answered with {bytes.Length} other bytes under {range}");
        }
        else if (truth is null || status != HttpStatusCode.ServiceUnavailable)
        {
            // A 404 is the grid's own word only where there is nothing; what is asked beyond an asset's end is answered as the grid answers it.
            promises.Check(RightBytes, Spoilt(asked) || (truth is null && status == HttpStatusCode.NotFound), () => $"{asked} was answered with {status}");
        }
        else promises.Check(RightBytes, Spoilt(asked), () => $"{asked} was answered with {status}, and nothing was wrong with the grid");
        Timed(asked);
    }

    public void BrokenOff(Asked asked, string why)
    {
        _open.Remove(asked);
        world.Tell($"broken off {asked.Client.Name} {asked.Key.Id.ToString()[^4..]} {why}");
        if (Liars.Contains(asked.Client.Name)) return;
        promises.Check(RightBytes, Spoilt(asked), () => $"{asked} was broken off: {why}");
    }

    /// <summary>Nobody waits for ever: every minute.</summary>
    public void Look()
    {
        // Two hosts may be asked one after the other, each for as long as one may be waited for.
        TimeSpan most = (limits.AssetAnswerTimeout + limits.AssetStallTimeout) * 3;
        foreach ((Asked asked, TimeSpan since) in _open)
            promises.Check(Answers, world.Now - since < most || Asleep(asked.Client.Name) || world.Now - _restarted.GetValueOrDefault(asked.Client.Name, TimeSpan.MinValue) < most, () => $"{asked} waits since {since}");
    }

    private void Timed(Asked asked)
    {
        if (Spoilt(asked)) return;
        TimeSpan took = world.Now - asked.At, direct = StandInGrid.TimeOf(asked.Key.Id) + (2 * LongestWay);
        promises.Check(InTime, took <= direct + limits.CacheGridHold + s_rounding, () => $"{asked} took {took}, directly {direct}");
    }

    private bool Spoilt(Asked asked)
    {
        if (_restarted.GetValueOrDefault(asked.Client.Name, TimeSpan.MinValue) >= asked.At)
        {
            InRestart++;
            return true;
        }
        if (_outages.GetValueOrDefault(asked.Key.GridId, TimeSpan.MinValue) < asked.At && _troubled.GetValueOrDefault((asked.Client.Name, asked.Key.Id), TimeSpan.MinValue) < asked.At) return false;
        InOutage++;
        return true;
    }

    private bool Asleep(string client) => _restarted.GetValueOrDefault(client, TimeSpan.MinValue) > world.Now;

    private static bool IsRight(Asked asked, HttpStatusCode status, ContentRangeHeaderValue? said, byte[] bytes, byte[] truth)
    {
        if (status == HttpStatusCode.OK) return bytes.AsSpan().SequenceEqual(truth);
        if (asked.Range?.Ranges.First() is not { From: { } from } range || said is not { From: { } start, To: { } last, Length: { } whole }) return false;
        long to = Math.Min(range.To ?? long.MaxValue, truth.Length - 1);
        return whole == truth.Length && start == from && last == to && bytes.AsSpan().SequenceEqual(truth.AsSpan((int)from, (int)(to - from + 1)));
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
