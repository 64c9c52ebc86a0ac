using System.Collections.Concurrent;
using System.Net;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Resumption;
using GlobalCache.Policy;

namespace GlobalCache.Client.Sessions;

/// <summary>The LLUDP side of a session, as far as the session needs it.</summary>
/// <param name="Open">Binds the loopback endpoint that stands for a sim; null when that fails. Idempotent, thread-safe.</param>
/// <param name="LastViewerDatagram">Timestamp of the viewer's last datagram.</param>
/// <param name="Root">The sim of the region the avatar is in, as its circuits have seen it arrive; null before that.</param>
/// <param name="CloseAsync">Closes every socket.</param>
/// <param name="UpstreamPort">The UDP port sims know the viewer by; 0 while there is none.</param>
internal sealed record SessionCircuits(Func<IPEndPoint, IPEndPoint?> Open, Func<long> LastViewerDatagram, Func<IPEndPoint?> Root,
    Func<ValueTask> CloseAsync, Func<int>? UpstreamPort = null);

/// <summary>
/// One login: who it is, which regions it knows, and what stands for them on this machine. The same sim keeps its port and the same seed
/// its URL until logout, since a viewer rebuilds a region that seems to have moved (PROTOCOL §3.1, §4.4).
/// </summary>
internal sealed class Session : IRegionDirectory, IAsyncDisposable
{
    private readonly ConcurrentDictionary<IPEndPoint, Region> _regions = new();
    private readonly Dictionary<string, Cap> _seeds = new(StringComparer.Ordinal);
    private readonly Dictionary<(Region, CapName, Uri), Cap> _granted = [];
    private readonly ConcurrentDictionary<Task, bool> _work = new();
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly CapTable _caps;
    private readonly Func<string> _origin;
    private readonly ClientLimits _limits;
    private readonly ILogger _log;
    private readonly HomeGrid _home;
    private SessionCircuits? _circuits;
    private volatile Region? _first;
    private volatile bool _over;

    /// <param name="login">A successful login's reply.</param>
    /// <param name="loginUri">Where it was answered.</param>
    /// <param name="caps">Where this session's tokens are kept.</param>
    /// <param name="origin">Scheme, host and port viewers reach us at, without a slash at the end; asked when a URL is made.</param>
    /// <param name="limits">Regions, and with them capabilities, are bounded.</param>
    /// <param name="log">Never told who logs in.</param>
    public Session(LoginReply login, Uri loginUri, CapTable caps, Func<string> origin, ClientLimits limits, ILogger log)
    {
        (Login, _caps, _origin, _limits, _log) = (login, caps, origin, limits, log);
        _home = new HomeGrid(loginUri, new Uri(login.Seed));
        Ended = _ended.Token;
    }

    public LoginReply Login { get; }

    /// <summary>What the client before this one left of this session; null: it was begun here.</summary>
    public SessionRecord? Before { get; init; }

    /// <summary>Cancelled when the session is over: polls and questions to the grid stop.</summary>
    public CancellationToken Ended { get; }

    /// <summary>The region the viewer's avatar is in.</summary>
    public Region? Root => _circuits?.Root() is { } sim && _regions.TryGetValue(sim, out Region? region) ? region : _first;

    public IEnumerable<Region> Regions => _regions.Values;

    public int RegionCount => _regions.Count;

    /// <summary>Regions a grid revisits grant anew each time; beyond this many tokens the grid's own URLs are left.</summary>
    private int MaxCaps => 16 * _limits.MaxRegionsPerSession;

    /// <summary>Gives the session its sockets, once, before anything is mapped.</summary>
    public void Attach(SessionCircuits circuits) => _circuits = circuits;

    public IPEndPoint? MapSim(IPEndPoint sim) => RegionAt(sim)?.Local;

    public string? MapSeed(string realSeed, IPEndPoint sim)
    {
        if (RegionAt(sim) is not { } region || !LoginReply.IsWebUrl(realSeed)) return null;
        region.Seed = new Uri(realSeed);
        lock (_gate)
        {
            if (!_seeds.TryGetValue(realSeed, out Cap? cap))
            {
                if (!MayAdd()) return null;
                _seeds[realSeed] = cap = _caps.Add(this, region, CapName.Seed, new Uri(realSeed));
            }
            return $"{_origin()}/s/{cap.Token}";
        }
    }

    /// <summary>The URL that stands for a capability the region has granted; the same for the same grant. Null: leave the grid's own.</summary>
    public string? MapCap(Region region, CapName name, Uri real)
    {
        region.Grant(name, real);
        lock (_gate)
        {
            if (!_granted.TryGetValue((region, name, real), out Cap? cap))
            {
                if (!MayAdd()) return null;
                _granted[(region, name, real)] = cap = _caps.Add(this, region, name, real);
            }
            return $"{_origin()}/c/{cap.Token}";
        }
    }

    /// <summary>
    /// A region's seed has been answered: finds out, once, which grid the region belongs to. <paramref name="ask"/> is null when the region
    /// grants no SimulatorFeatures.
    /// </summary>
    public Task LearnGridAsync(Cap seed, Func<CancellationToken, Task<string?>>? ask, TimeProvider time)
    {
        Func<CancellationToken, Task<string?>>? accepted = ask is null || _home.IsSecondLife ? null : async ct => _home.Accept(await ask(ct));
        Task learnt = seed.Region.LearnGridAsync(accepted, _home.Fallback(seed.Real), _limits, time, Ended);
        Track(learnt);
        return learnt;
    }

    /// <summary>The region whose sim this is; null before anything about it was mapped.</summary>
    public Region? Find(IPEndPoint sim) => _regions.GetValueOrDefault(sim);

    /// <summary>
    /// The region's grid is wanted, though its viewer may never ask the seed (old ones and bots): after <see cref="ClientLimits.GridIdTimeout"/> the
    /// fallback holds. Until a seed is known there is nothing to tell the grid by. Cheap to repeat.
    /// </summary>
    public void ExpectGrid(Region region, TimeProvider time)
    {
        if (!region.GridId.IsCompleted && region.Seed is not null && region.TryExpectGrid()) Track(FallBackAsync(region, time));
    }

    /// <summary>The session is not over before <paramref name="work"/> is, which stops when <see cref="Ended"/> is cancelled.</summary>
    public void Track(Task work)
    {
        if (work.IsCompleted) return;
        _work[work] = true;
        _ = work.ContinueWith(done => _work.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>What the next client needs to go on with this session; null when it is over, or nothing is mapped yet.</summary>
    /// <param name="kept">What an event queue's viewer may not have.</param>
    public SessionRecord? Record(Func<Cap, KeptAnswer?> kept)
    {
        if (_first is not { } first) return null;
        Region[] regions = [first, .. _regions.Values.Where(r => r != first).OrderBy(r => r.Local.Port)];
        Dictionary<Region, int> index = regions.Select((r, i) => (r, i)).ToDictionary(p => p.r, p => p.i);
        Cap[] caps;
        lock (_gate)
        {
            if (_over) return null;
            caps = [.. _seeds.Values, .. _granted.Values];
        }
        return new SessionRecord(Login.AgentId, Login.SessionId, Login.CircuitCode, Login.Seed, _circuits?.UpstreamPort?.Invoke() ?? 0,
            _circuits?.Root()?.ToString(),
            [.. regions.Select(r => new RegionRecord(r.Sim.ToString(), r.Local.Port, r.Seed?.OriginalString, r.GridId.IsCompletedSuccessfully ? r.GridId.Result : null, r.IsGone))],
            [.. caps.Where(c => index.ContainsKey(c.Region)).OrderBy(c => c.Token, StringComparer.Ordinal).Select(c => new CapRecord(
                c.Token, index[c.Region], c.Name, c.Real.OriginalString, c.Region.Granted(c.Name) == c.Real, c.Name == CapName.EventQueueGet ? kept(c) : null))]);
    }

    /// <summary>Takes up what <see cref="Before"/> tells. False: a port is somebody else's now, and the session cannot go on.</summary>
    /// <param name="keep">Takes what an event queue's viewer may not have.</param>
    /// <param name="time">The clock of waits.</param>
    public bool TryTakeUp(Action<Cap, KeptAnswer> keep, TimeProvider time)
    {
        SessionRecord before = Before!;
        var regions = new Region[before.Regions.Count];
        for (int i = 0; i < regions.Length; i++)
        {
            RegionRecord was = before.Regions[i];
            if (RegionAt(IPEndPoint.Parse(was.Sim)) is not { } region || region.Local.Port != was.LocalPort) return false;
            regions[i] = region;
            region.Seed = was.Seed is null ? null : new Uri(was.Seed);
            if (was.GridId is not null) region.Settle(was.GridId);
        }
        foreach (CapRecord was in before.Caps)
        {
            Region region = regions[was.Region];
            var real = new Uri(was.Real);
            Cap cap = _caps.Add(this, region, was.Name, real, was.Token);
            lock (_gate)
            {
                if (was.Name == CapName.Seed) _seeds[was.Real] = cap;
                else _granted[(region, was.Name, real)] = cap;
            }
            if (was.IsLast && was.Name != CapName.Seed) region.Grant(was.Name, real);
            if (was.Kept is not null) keep(cap, was.Kept);
        }
        for (int i = 0; i < regions.Length; i++)
        {
            regions[i].IsGone = before.Regions[i].IsGone;
            // Who was to tell the grid has been asked by the client before; its answer is lost.
            ExpectGrid(regions[i], time);
        }
        return true;
    }

    /// <summary>Ends polls, frees tokens and sockets. Nothing is mapped any more. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        Cap[] caps;
        lock (_gate)
        {
            if (_over) return;
            _over = true;
            caps = [.. _seeds.Values, .. _granted.Values];
        }
        await _ended.CancelAsync();
        foreach (Cap cap in caps) _caps.Remove(cap);
        foreach (Region region in _regions.Values) region.Close(_home.Fallback(_home.FirstSeed));
        foreach (Task work in _work.Keys) await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_circuits is not null) await _circuits.CloseAsync();
        _ended.Dispose();
    }

    private async Task FallBackAsync(Region region, TimeProvider time)
    {
        await Task.Delay(_limits.GridIdTimeout, time, Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await region.LearnGridAsync(null, _home.Fallback(region.Seed!), _limits, time, Ended);
    }

    private bool MayAdd() => !_over && _seeds.Count + _granted.Count < MaxCaps;

    /// <summary>Opens the port outside the lock: the sockets' own threads ask here too.</summary>
    private Region? RegionAt(IPEndPoint sim)
    {
        if (_over) return null;
        if (_regions.TryGetValue(sim, out Region? known)) return known;
        if (_regions.Count >= _limits.MaxRegionsPerSession) return null;
        if (_circuits?.Open(sim) is not { } local)
        {
            Log.NoPort(_log);
            return null;
        }
        var key = new IPEndPoint(sim.Address, sim.Port);
        Region region = _regions.GetOrAdd(key, static (s, l) => new Region(s, l), local);
        _first ??= region;
        return region;
    }
}
