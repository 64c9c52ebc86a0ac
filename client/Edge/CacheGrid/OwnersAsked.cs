using System.Net;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Caps;
using GlobalCache.Policy.Assets;
using Log = GlobalCache.Client.CacheGrid.Log;

namespace GlobalCache.Client.Edge;

/// <summary>Asks the worlds' owners by <c>get_grid_info</c>, which every viewer reads too, whether they refuse sharing (ADR 29).</summary>
internal sealed class OwnersAsked : IAsyncDisposable
{
    private const int MaxBytes = 64 << 10;
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1), s_patience = TimeSpan.FromSeconds(10);

    private readonly WorldOwners _owners;
    private readonly Uri _loginUri;
    private readonly HttpMessageInvoker _grid;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _asking;

    /// <param name="owners">Told what is heard.</param>
    /// <param name="loginUri">The user's own world, beside whose login the document lies.</param>
    /// <param name="grid">The way out.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Told of refusals.</param>
    public OwnersAsked(WorldOwners owners, Uri loginUri, HttpMessageInvoker grid, TimeProvider time, ILogger log)
    {
        (_owners, _loginUri, _grid, _time, _log) = (owners, loginUri, grid, time, log);
        _asking = Task.Run(AskAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _asking;
        _stop.Dispose();
    }

    private async Task AskAsync()
    {
        try
        {
            while (true)
            {
                foreach (string world in _owners.Due(Now)) await AskAsync(world);
                await Task.Delay(s_look, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The client is being closed.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    private async Task AskAsync(string world)
    {
        OwnersWord? word = null;
        foreach (Uri place in Places(world))
        {
            if ((word = await AskAsync(place)) is not null) break;
        }
        if (word is not { } said)
        {
            _owners.Unheard(world, Now);
            return;
        }
        bool before = _owners.Refuses(world), refuses = said == OwnersWord.Refuses;
        if (!_owners.Heard(world, refuses, Now)) Log.RefusalNotKept(_log);
        if (refuses && !before) Log.Refused(_log, world);
    }

    /// <summary>A world's id does not tell how it is spoken to.</summary>
    private Uri[] Places(string world) =>
        GridId.TryFromUrl(_loginUri.AbsoluteUri, out string home) && home == world ? [new Uri(_loginUri, "get_grid_info")]
        : [.. new[] { $"http://{world}/get_grid_info", $"https://{world}/get_grid_info" }.Where(u => Uri.IsWellFormedUriString(u, UriKind.Absolute)).Select(u => new Uri(u))];

    /// <summary>Null: nobody answered as they should.</summary>
    private async Task<OwnersWord?> AskAsync(Uri place)
    {
        using CancellationTokenSource late = new(s_patience, _time);
        using var ct = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stop.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, place);
            using HttpResponseMessage answer = await _grid.SendAsync(request, ct.Token);
            // Many worlds have no such document, and so nothing to say.
            if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone) return OwnersWord.Silent;
            if (answer.StatusCode != HttpStatusCode.OK) return null;
            byte[] bytes = new byte[MaxBytes];
            using Stream stream = await answer.Content.ReadAsStreamAsync(ct.Token);
            int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct.Token);
            return GridInfo.Sharing(bytes.AsSpan(0, length));
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            return null;
        }
    }
}
