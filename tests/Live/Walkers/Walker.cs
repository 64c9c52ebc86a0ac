using GlobalCache.Live.Processes;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Live.Walkers;

/// <summary>
/// One person with a viewer behind a client: logs in, looks around, walks or teleports into the next region, looks around. Every second one has a viewer that never polls
/// again once its poll was broken (Firestorm): after its client's restart it logs in anew; the others go on with the session they had.
/// </summary>
internal sealed class Walker(Town town, ClientProgram client, GridUser user, bool pollsAgain, int seed)
{
    private static readonly TimeSpan s_arriving = TimeSpan.FromSeconds(15);

    private readonly Random _dice = new(seed);
    private SimulatedViewer? _viewer;
    private TimeSpan _arrived, _nextWalk;

    /// <summary>Until told to stop; then it logs out.</summary>
    public async Task RunAsync(CancellationToken over)
    {
        await town.Clock.WaitAsync(TimeSpan.FromMilliseconds(_dice.Next(5000)), over);
        while (!over.IsCancellationRequested)
        {
            if (_viewer is null && !await LoginAsync(over)) continue;
            // A region that was left behind says 404, as it should.
            if (_viewer!.PollsEnded.Any(p => p != "404"))
            {
                town.Book.Count("logins again, after an event poll was broken");
                await LeaveAsync();
                continue;
            }
            await LookAsync();
            if (_viewer is { } there && town.Clock.Now > _nextWalk && there.PollsEnded.All(p => p == "404")) await WalkAsync();
            await town.Clock.WaitAsync(TimeSpan.FromSeconds(0.5 + (Town.Pause * _dice.NextDouble())), over);
        }
        await LeaveAsync();
    }

    private async Task<bool> LoginAsync(CancellationToken over)
    {
        TimeSpan at = town.Clock.Now;
        // Whose logout was lost with its client is still there for the grid.
        town.Grid.End(user.First, user.Last);
        try
        {
            _viewer = await SimulatedViewer.LoginAsync(client.LoginUri!, new SimulatedViewerOptions
            {
                First = user.First,
                Last = user.Last,
                Start = $"uri:{town.RegionNames[_dice.Next(town.RegionNames.Count)]}&128&128&30",
                LosesDatagram = () => town.Loses(client.Name),
                PollsAgain = pollsAgain,
            }, over);
            (_arrived, _nextWalk) = (town.Clock.Now, town.Clock.Now + NextWalk());
            town.Book.Count("logins");
            town.Book.Check(Book.WalksOn, kept: true, $"");
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or OperationCanceledException)
        {
            if (over.IsCancellationRequested) return false;
            if (Excused(at)) town.Book.Count("logins that a fault has spoilt");
            else town.Book.Check(Book.WalksOn, kept: false, $"{user.First} was not let in by {client.Name}: {e.GetBaseException().Message} ({town.Book.At(town.Clock.Now)})");
            await town.Clock.WaitAsync(TimeSpan.FromSeconds(1), over);
            return false;
        }
    }

    private async Task LookAsync()
    {
        SimulatedViewer viewer = _viewer!;
        List<Task> asking = [];
        for (int i = _dice.Next(2, 7); i > 0; i--) asking.Add(LookAtAsync(viewer, _dice.Next(80) == 0 ? Scene.None(_dice) : town.Scene.Any(_dice), _dice.Next(8)));
        await Task.WhenAll(asking);
    }

    private async Task LookAtAsync(SimulatedViewer viewer, SceneAsset asset, int how)
    {
        if (asset is { Type: 0, Expected: not null } && how == 0)
        {
            await LookByUdpAsync(viewer, asset);
            return;
        }
        Uri url;
        TimeSpan at = town.Clock.Now;
        try
        {
            url = await viewer.Assets.UrlAsync(asset);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // The region's capabilities could not be had, and viewers do not ask twice.
            await GiveUpAsync(at, "has no capabilities: " + e.GetBaseException().Message);
            return;
        }
        // As Firestorm: a glance at a texture, then the rest; a mesh's header, then a level of detail; all else whole.
        (int first, bool ranged) = asset.Type switch { 0 => (600, true), 49 => (4096, true), _ => (0, false) };
        if (!ranged || asset.Expected is not { } bytes || bytes.Length <= first) await town.Http.AskAsync(client.Name, url, asset, null, null, _arrived);
        else
        {
            await town.Http.AskAsync(client.Name, url, asset, 0, first - 1, _arrived);
            await town.Http.AskAsync(client.Name, url, asset, first - 1, how < 4 ? null : Math.Min(bytes.Length - 1, first + (1000 << how)), _arrived);
        }
    }

    private async Task LookByUdpAsync(SimulatedViewer viewer, SceneAsset asset)
    {
        TimeSpan at = town.Clock.Now;
        try
        {
            byte[]? bytes = await viewer.ImageByUdpAsync(asset.Id);
            town.Book.Check(Book.RightBytes, bytes is not null && bytes.AsSpan().SequenceEqual(asset.Expected), $"{client.Name}, …{asset.Id.ToString()[^6..]} by UDP came as {bytes?.Length} other bytes");
            town.Book.Count("UDP: right bytes");
        }
        catch (Exception e) when (e is TimeoutException or InvalidDataException or OperationCanceledException)
        {
            if (Excused(at)) town.Book.Count("UDP, in a fault: not whole");
            else town.Book.Check(Book.RightBytes, kept: false, $"{client.Name}, …{asset.Id.ToString()[^6..]} by UDP: {e.Message} ({town.Book.At(town.Clock.Now)})");
        }
    }

    private async Task WalkAsync()
    {
        string from = _viewer!.RegionName;
        string to = town.RegionNames.Where(r => r != from).ElementAt(_dice.Next(town.RegionNames.Count - 1));
        TimeSpan at = town.Clock.Now;
        _nextWalk = at + NextWalk();
        try
        {
            if (Town.AreNeighbours(from, to))
            {
                if (!town.Grid.Cross(user.First, user.Last, to)) throw new TimeoutException("the grid knows nobody of this name");
                await _viewer.WaitForRegionAsync(to).WaitAsync(s_arriving, town.Clock.Time);
            }
            else if (!await _viewer.TeleportAsync(to)) throw new TimeoutException("refused");
            _arrived = town.Clock.Now;
            town.Book.Check(Book.WalksOn, kept: true, $"");
            town.Book.Count(Town.AreNeighbours(from, to) ? "walks over a border" : "teleports");
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            await GiveUpAsync(at, $"did not get from {from} to {to}: {e.Message}");
        }
    }

    /// <summary>This session is of no use any more; whose fault that is, is said.</summary>
    private async Task GiveUpAsync(TimeSpan since, string what)
    {
        SimulatedViewer? viewer = _viewer;
        if (Excused(since)) town.Book.Count("walks that a fault has spoilt");
        else
        {
            town.Book.Check(Book.WalksOn, kept: false,
                $"{user.First} behind {client.Name}, there since {_arrived:mm\\:ss} {what}; {(pollsAgain ? "asks broken polls again" : "ends at a broken poll")}, polls that failed too soon {viewer?.HastyPollErrors}, ended {string.Join('/', viewer?.PollsEnded ?? [])}, {viewer?.CircuitStates}; heard last {string.Join(' ', viewer?.EventNames.TakeLast(4) ?? [])} ({town.Book.At(town.Clock.Now)})");
        }
        await LeaveAsync();
    }

    private async Task LeaveAsync()
    {
        if (Interlocked.Exchange(ref _viewer, null) is not { } viewer) return;
        await viewer.LogoutAsync();
        await viewer.DisposeAsync();
    }

    // What is lost is sent again after a while, and a poll that was broken is asked again: it may be felt for as long as that.
    private bool Excused(TimeSpan since) => town.Book.Troubled(since - TimeSpan.FromSeconds(2), town.Clock.Now, client.Name, HttpLook.Grid, Town.Wire);

    private TimeSpan NextWalk() => TimeSpan.FromSeconds(10 + (30 * _dice.NextDouble()));
}
