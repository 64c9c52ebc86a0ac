using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Demo.Founding;

/// <summary>How demand goes: seconds of warming up, rising, staying high, falling and staying low, in requests a second.</summary>
internal sealed record Curve(double Warm, double Rise, double High, double Fall, double Low, double From = 40, double Most = 70, double To = 40)
{
    public double Length => Warm + Rise + High + Fall + Low;

    /// <summary>Requests a second at a moment; null: it is over.</summary>
    public double? At(TimeSpan at)
    {
        double t = at.TotalSeconds;
        if (t >= Length) return null;
        if (t < Warm) return From;
        if ((t -= Warm) < Rise) return From + ((Most - From) * t / Rise);
        if ((t -= Rise) < High) return Most;
        return (t -= High) < Fall ? Most + ((To - Most) * t / Fall) : To;
    }
}

/// <summary>One second of the run.</summary>
internal sealed record FoundingSecond(double At, double Demand, int InDns, IReadOnlyDictionary<string, long> Served);

/// <summary>What came of it.</summary>
internal sealed record FoundingResult
{
    public required IReadOnlyList<FoundingSecond> Seconds { get; init; }

    public required IReadOnlyList<HistoryLine> History { get; init; }

    public required long RequestsSent { get; init; }

    public required long RequestsServed { get; init; }

    public required long RequestsShed { get; init; }

    public required long RequestsLost { get; init; }

    public required IReadOnlyList<string> Failures { get; init; }

    /// <summary>Seconds after the begin at which the second node was first in the resolver's answer; null: never.</summary>
    public double? SecondInDnsAt { get; init; }

    /// <summary>Demand over one node's capacity at that moment.</summary>
    public double? LoadThen { get; init; }

    /// <summary>Nodes launched beyond the first.</summary>
    public required int Opened { get; init; }

    /// <summary>Nodes ended.</summary>
    public required int Closed { get; init; }

    /// <summary>The second node's share of what was served in the last ten seconds of high demand.</summary>
    public double ShareAtTheTop { get; init; }

    /// <summary>Seconds between the last request of the node that went and its end; negative: it was ended too soon.</summary>
    public double? QuietBeforeTheEnd { get; init; }
}

/// <summary>The founding scenario, live: a master, its nodes and a caching resolver as processes, a thousand clients, and demand that rises beyond one node and falls again.</summary>
internal static class FoundingRun
{
    public const string World = "login.example.org";
    private const int Assets = 60, AssetBytes = 20_000;

    public static async Task<FoundingResult> RunAsync(string folder, Curve curve, double hurry, int network, TimeProvider time, Action<FoundingSecond, IReadOnlyList<HistoryLine>>? each = null, Action<string>? logged = null)
    {
        GridPolicy policy = FoundingPolicy.Of(hurry);
        // An answer's own bytes, so that a node is full at 55 requests a second.
        long link = (long)(FoundingPolicy.Capacity * SealedLength());
        await using var master = new MasterProcess(folder, policy, link, network, time) { Logged = logged };
        string invite = await master.StartAsync();
        GridFile grid = JsonSerializer.Deserialize<GridFile>(await File.ReadAllBytesAsync(Path.Combine(master.Data, "grid.json")), JsonSerializerOptions.Web)!;
        AssetKey[] assets = await LayAsync(master.Data, time);
        await master.SaidAsync(h => h is { What: "state", Reason: "It is in service." }, TimeSpan.FromSeconds(90));
        await using CachingResolver resolver = await CachingResolver.StartAsync(grid.Host, master.Dns, Path.Combine(folder, "resolver"));
        using var crowd = new Crowd(grid, resolver, TimeSpan.FromSeconds(200 / hurry), time);
        await crowd.EnrolAsync(invite);

        List<FoundingSecond> seconds = [];
        long since = time.GetTimestamp();
        TimeSpan offset = master.Clock;
        using var watching = new CancellationTokenSource();
        Task watch = WatchAsync();
        await crowd.AskAsync(curve.At, assets);
        await watching.CancelAsync();
        await watch;

        IReadOnlyList<HistoryLine> history = [.. master.History.Select(h => h with { At = h.At - offset })];
        return Judge(curve, seconds, history, crowd, time, since);

        async Task WatchAsync()
        {
            while (!watching.IsCancellationRequested)
            {
                TimeSpan at = time.GetElapsedTime(since);
                (IReadOnlyList<IPAddress> dns, _) = await resolver.AskAsync(grid.Host);
                var second = new FoundingSecond(at.TotalSeconds, curve.At(at) ?? 0, dns.Count, crowd.Places.ToDictionary(p => p.Key.ToString(), p => Volatile.Read(ref p.Value.Served)));
                seconds.Add(second);
                each?.Invoke(second, master.History);
                await Task.Delay(TimeSpan.FromSeconds(1), time);
            }
        }
    }

    private static FoundingResult Judge(Curve curve, List<FoundingSecond> seconds, IReadOnlyList<HistoryLine> history, Crowd crowd, TimeProvider time, long since)
    {
        FoundingSecond? second = seconds.FirstOrDefault(s => s.InDns > 1);
        HistoryLine? end = history.LastOrDefault(h => h.What == "end" && h.Node.StartsWith("node", StringComparison.Ordinal));
        // Nodes take the addresses in the order of their slots.
        double? quiet = null;
        IPAddress[] places = [.. crowd.Places.Keys.OrderBy(p => p.ToString(), StringComparer.Ordinal)];
        if (end is not null && places.Length > 1)
        {
            IPAddress gone = places[int.Parse(end.Node.Split(' ')[1].Split('.')[0], System.Globalization.CultureInfo.InvariantCulture)];
            quiet = end.At.TotalSeconds - time.GetElapsedTime(since, crowd.Places[gone].LastAt).TotalSeconds;
        }
        double top = curve.Warm + curve.Rise + curve.High;
        FoundingSecond? before = seconds.LastOrDefault(s => s.At < top - 10), after = seconds.LastOrDefault(s => s.At < top);
        long Served(FoundingSecond? s, IPAddress at) => s?.Served.GetValueOrDefault(at.ToString()) ?? 0;
        double all = places.Sum(p => Served(after, p) - Served(before, p));
        return new FoundingResult
        {
            Seconds = seconds,
            History = history,
            RequestsSent = crowd.Sent,
            RequestsServed = crowd.Served,
            RequestsShed = crowd.Shed,
            RequestsLost = crowd.Lost,
            Failures = crowd.Failures,
            SecondInDnsAt = second?.At,
            LoadThen = second?.Demand / FoundingPolicy.Capacity,
            Opened = history.Count(h => h.What == "launch") - 1,
            Closed = history.Count(h => h.What == "end"),
            ShareAtTheTop = places.Length > 1 && all > 0 ? (Served(after, places[1]) - Served(before, places[1])) / all : 0,
            QuietBeforeTheEnd = quiet,
        };
    }

    /// <summary>Assets for the crowd to ask for.</summary>
    public static async Task<AssetKey[]> LayAsync(string data, TimeProvider time)
    {
        GridFolder grid = GridFolder.Open(data);
        var store = new FolderStore(Path.Combine(data, "store"), time);
        AssetKey[] assets = [.. Enumerable.Range(0, Assets).Select(_ => new AssetKey(World, AssetType.Texture, Guid.NewGuid()))];
        foreach (AssetKey asset in assets)
        {
            byte[] blob = SealedAsset.Seal(asset, RandomNumberGenerator.GetBytes(AssetBytes), grid.Keys.GridKey(grid.Keys.Newest, World)!, grid.Keys.Newest, 0, SealCompression.None);
            await store.PutAsync("a/" + grid.Keys.NameOf(asset), blob, null, CancellationToken.None);
        }
        return assets;
    }

    private static int SealedLength()
    {
        byte[] key = new byte[SealKeys.Length];
        return SealedAsset.Seal(new AssetKey(World, AssetType.Texture, Guid.Empty), RandomNumberGenerator.GetBytes(AssetBytes), key, 1, 0, SealCompression.None).Length;
    }
}
