using System.Runtime.InteropServices;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Figures;

/// <summary>What one visit to a region would have been without this client.</summary>
/// <param name="Waited">How long at least one asset over HTTP was waited for.</param>
/// <param name="WouldHaveWaited">How long that would have been, had the grid answered all of them; null: how quick the grid is was never seen.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SavedTime(TimeSpan Waited, TimeSpan? WouldHaveWaited)
{
    /// <summary>Below zero where this client has cost time.</summary>
    public TimeSpan? Saved => WouldHaveWaited - Waited;
}

/// <summary>
/// A viewer's stay in a region: every request it made, so that the same requests can be sent once more, in thought, to a grid as quick as this one was seen to be,
/// over as many connections as viewers open (PROTOCOL §3.4). Not thread-safe.
/// </summary>
internal sealed class Visit(string world, DateTimeOffset began)
{
    /// <summary>Requests beyond this are counted and not replayed: a scene of some thousand textures, each asked for twice.</summary>
    public const int MostRequests = 8192;

    /// <summary>Connections a viewer opens for textures, for meshes, and for the rest.</summary>
    private static readonly int[] s_connections = [8, 8, 12];

    private readonly List<Request> _requests = [];
    private long _savedBytes, _count;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Request(TimeSpan At, TimeSpan Took, long Bytes, byte Pool, bool Ours);

    /// <summary>The virtual world, as far as it is known.</summary>
    public string World { get; } = world;

    /// <summary>Since when.</summary>
    public DateTimeOffset Began { get; } = began;

    /// <summary>Requests over both protocols.</summary>
    public long Requests => _count;

    /// <summary>Body bytes that the grid did not have to send.</summary>
    public long SavedBytes => _savedBytes;

    /// <summary>Adds one that has just ended, <paramref name="at"/> on the visit's own clock.</summary>
    public void Add(in Served served, TimeSpan at)
    {
        _count++;
        bool ours = served.From is ServedFrom.Hit or ServedFrom.Shared or ServedFrom.Injected;
        if (ours) _savedBytes += served.Bytes;
        if (served.From is ServedFrom.Injected or ServedFrom.Captured || _requests.Count >= MostRequests) return;
        byte pool = served.Type switch { AssetType.Texture => 0, AssetType.Mesh => 1, _ => 2 };
        _requests.Add(new Request(at - served.Took, served.Took, served.Bytes, pool, ours));
    }

    /// <summary>The replay.</summary>
    public SavedTime Replay(OriginPace? pace)
    {
        Request[] inOrder = [.. _requests.OrderBy(r => r.At)];
        TimeSpan waited = Union(inOrder.Select(r => (r.At, r.At + r.Took)));
        return new SavedTime(waited, pace is { } known ? Union(Replayed(inOrder, known)) : null);
    }

    /// <summary>First come, first served, on as many connections as there are; what the grid has answered took as long as it took.</summary>
    private static IEnumerable<(TimeSpan From, TimeSpan To)> Replayed(Request[] inOrder, OriginPace pace)
    {
        PriorityQueue<int, TimeSpan>[] free = [.. s_connections.Select(n => new PriorityQueue<int, TimeSpan>(Enumerable.Repeat((0, TimeSpan.MinValue), n)))];
        foreach (Request request in inOrder)
        {
            PriorityQueue<int, TimeSpan> pool = free[request.Pool];
            pool.TryDequeue(out _, out TimeSpan since);
            TimeSpan end = (since > request.At ? since : request.At) + (request.Ours ? pace.Of(request.Bytes) : request.Took);
            pool.Enqueue(0, end);
            yield return (request.At, end);
        }
    }

    /// <summary>How long at least one of them lasted; they begin one after the other.</summary>
    private static TimeSpan Union(IEnumerable<(TimeSpan From, TimeSpan To)> spans)
    {
        TimeSpan sum = TimeSpan.Zero, end = TimeSpan.MinValue;
        foreach ((TimeSpan from, TimeSpan to) in spans)
        {
            if (to <= end) continue;
            sum += to - (from > end ? from : end);
            end = to;
        }
        return sum;
    }
}
