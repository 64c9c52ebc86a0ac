using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Live.Walkers;

/// <summary>
/// How long the grid itself takes, without us, at the same time on the same machine: somebody who asks it a few times a second. What everything else is compared with, so that a machine
/// that is busy with something else is not taken for a slow client.
/// </summary>
internal sealed class Direct : IAsyncDisposable
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(200), s_around = TimeSpan.FromSeconds(3);

    private readonly Clock _clock;
    private readonly SimulatedViewer _viewer;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false });
    private readonly Queue<(TimeSpan At, TimeSpan Took)> _probes = [];
    private readonly CancellationTokenSource _over = new();
    private readonly Task _asking;

    private Direct(Clock clock, SimulatedViewer viewer, Scene scene)
    {
        (_clock, _viewer) = (clock, viewer);
        _asking = AskAsync(scene);
    }

    public static async Task<Direct> StartAsync(Clock clock, StandInGrid grid, GridUser user, Scene scene) =>
        new(clock, await SimulatedViewer.LoginAsync(grid.LoginUri, new SimulatedViewerOptions { First = user.First, Last = user.Last }), scene);

    /// <summary>How long all of them took.</summary>
    public Delays All { get; } = new();

    /// <summary>The longest it took lately.</summary>
    public TimeSpan Longest(TimeSpan from)
    {
        lock (_probes) return _probes.Where(p => p.At >= from - s_around).Select(p => p.Took).DefaultIfEmpty(TimeSpan.Zero).Max();
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _asking;
        await _viewer.DisposeAsync();
        _http.Dispose();
        _over.Dispose();
    }

    private async Task AskAsync(Scene scene)
    {
        var dice = new Random(7);
        while (await _clock.WaitAsync(s_every, _over.Token))
        {
            TimeSpan at = _clock.Now;
            try
            {
                await _http.GetByteArrayAsync(await _viewer.Assets.UrlAsync(scene.Any(dice)), _over.Token);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                // Out of order, as it was told to be.
            }
            TimeSpan took = _clock.Now - at;
            All.Add(took);
            lock (_probes)
            {
                _probes.Enqueue((_clock.Now, took));
                while (_probes.TryPeek(out (TimeSpan At, TimeSpan) first) && first.At < _clock.Now - TimeSpan.FromMinutes(2)) _probes.Dequeue();
            }
        }
    }
}
