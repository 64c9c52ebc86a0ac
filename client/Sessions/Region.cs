using System.Collections.Concurrent;
using System.Net;
using GlobalCache.Client.Caps;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Sessions;

/// <summary>One region of a session: its sim, the capabilities it has granted, and the grid it belongs to.</summary>
internal sealed class Region(IPEndPoint sim, IPEndPoint local)
{
    private readonly ConcurrentDictionary<CapName, Uri> _granted = new();
    private readonly TaskCompletionSource<string> _gridId = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _asked, _expected;
    private volatile Uri? _seed;
    private volatile Task _gridIdHold = Task.CompletedTask;
    private volatile bool _gone;

    /// <summary>The sim's own address, and the loopback endpoint that stands for it.</summary>
    public IPEndPoint Sim { get; } = sim;

    /// <inheritdoc cref="Sim"/>
    public IPEndPoint Local { get; } = local;

    /// <summary>
    /// The grid whose assets this region serves (DESIGN §3). Pending until the region's seed has been answered and the region asked;
    /// never faults; fixed from then on.
    /// </summary>
    public Task<string> GridId => _gridId.Task;

    /// <summary>Completes when the grid is known, or has been waited for long enough (<see cref="ClientLimits.GridIdHold"/>).</summary>
    public Task GridIdHold => _gridIdHold;

    /// <summary>The seed a viewer was last told for this region, whether or not it ever asks there.</summary>
    public Uri? Seed
    {
        get => _seed;
        set => _seed = value;
    }

    /// <summary>The region has said that the agent is no longer in it: its capabilities are dying. Until it grants new ones.</summary>
    public bool IsGone
    {
        get => _gone;
        set => _gone = value;
    }

    /// <summary>The last URL granted under each name.</summary>
    public Uri? Granted(CapName name) => _granted.GetValueOrDefault(name);

    public void Grant(CapName name, Uri real)
    {
        _granted[name] = real;
        _gone = false;
    }

    /// <summary>
    /// Learns the grid, once: what <paramref name="ask"/> brings before <see cref="ClientLimits.GridIdTimeout"/>, else
    /// <paramref name="fallback"/>. Returns when that is settled.
    /// </summary>
    public async Task LearnGridAsync(Func<CancellationToken, Task<string?>>? ask, string fallback, ClientLimits limits, TimeProvider time,
        CancellationToken ended)
    {
        if (Interlocked.Exchange(ref _asked, 1) != 0) return;
        _gridIdHold = Task.WhenAny(GridId, Task.Delay(limits.GridIdHold, time, ended));
        string? told = null;
        if (ask is not null)
        {
            using var late = new CancellationTokenSource(limits.GridIdTimeout, time);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, ended);
            try
            {
                told = await ask(stop.Token).WaitAsync(stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
            {
                // The fallback holds.
            }
        }
        _gridId.TrySetResult(told ?? fallback);
    }

    /// <summary>The client before this one has learned the grid.</summary>
    public void Settle(string gridId)
    {
        _asked = _expected = 1;
        _gridId.TrySetResult(gridId);
    }

    /// <summary>True once: the grid is wanted, and whoever asks first sees to it that it does not stay unknown for ever.</summary>
    public bool TryExpectGrid() => Interlocked.Exchange(ref _expected, 1) == 0;

    /// <summary>The session is over: nobody is to wait any longer.</summary>
    public void Close(string fallback) => _gridId.TrySetResult(fallback);
}

/// <summary>Which grid a region belongs to when it does not say so itself, and when its word is not taken (DESIGN §3).</summary>
/// <param name="Login">The login URI's host names the grid logged in to.</param>
/// <param name="FirstSeed">The seed of the login reply: a region of that grid for certain.</param>
internal sealed record HomeGrid(Uri Login, Uri FirstSeed)
{
    private readonly string _id = GridId.TryFromUrl(Login.AbsoluteUri, out string id) ? id : Login.Host;

    /// <summary>Second Life has no Hypergrid and its regions name no grid: there is nothing to ask.</summary>
    public bool IsSecondLife => _id == GridId.SecondLife;

    /// <summary>The login's grid for regions on its hosts, else the seed's own host: where that is too narrow, less is found, nothing wrong.</summary>
    public string Fallback(Uri seed) =>
        IsSecondLife || seed.Host == Login.Host || seed.Host == FirstSeed.Host || !GridId.TryFromUrl(seed.AbsoluteUri, out string id) ? _id : id;

    /// <summary>No region reached from another grid can pass for Second Life's.</summary>
    public string? Accept(string? told) => told == GridId.SecondLife && !IsSecondLife ? null : told;
}
