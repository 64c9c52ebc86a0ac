using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using Log = GlobalCache.Client.CacheGrid.Log;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Tells the cache grid what was received from a virtual world, and sends it the bytes it then wants: in the background, some time after, in batches
/// without order, while no viewer waits (SECURITY §4, §7). Bytes that came from a cache never get here.
/// </summary>
internal sealed class GridClaims : IAsyncDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1), s_longestPause = TimeSpan.FromMinutes(30);

    private readonly ClaimSpool _spool;
    private readonly AssetStore _store;
    private readonly SignedRequests _requests;
    private readonly ClaimCalls _calls;
    private readonly SharedWorlds _shared;
    private readonly TimeSpan _within;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _working = Task.CompletedTask;

    public GridClaims(
        ClaimSpool spool, AssetStore store, SignedRequests requests, SharedWorlds shared, TimeSpan within, TimeProvider time, ILogger log, Random? random = null)
    {
        (_spool, _store, _requests, _calls, _shared) = (spool, store, requests, new ClaimCalls(requests), shared);
        (_within, _time, _log, _random) = (within, time, log, random ?? Random.Shared);
    }

    /// <summary>Claims that wait.</summary>
    public int Waiting
    {
        get { lock (_gate) return _spool.Count; }
    }

    /// <summary>Begins to work.</summary>
    /// <param name="traffic">What comes first.</param>
    /// <param name="isExcluded">Textures that have turned out to be baked since.</param>
    public void Start(ViewerTraffic traffic, Func<AssetType, Guid, bool> isExcluded) => _working = Task.Run(() => WorkAsync(traffic, isExcluded));

    /// <summary>These bytes came whole from <paramref name="sender"/>, and are in the store now. Returns at once.</summary>
    public void Received(AssetKey key, byte[] plain, string sender)
    {
        if (LineOf(key, plain, sender) is not { } line) return;
        long now = Now;
        // A texture may turn out to be baked in the minutes after it was seen first (PROTOCOL §7.4).
        double most = _within.TotalSeconds, least = key.Type == AssetType.Texture ? 10 : 1;
        lock (_gate) _spool.Put(new WaitingClaim(line, now + (long)(most * (least + (15 - least) * _random.NextDouble()) / 15), now));
    }

    /// <summary>What may be said of these bytes; null: nothing.</summary>
    public ClaimLine? LineOf(AssetKey key, byte[] plain, string sender)
    {
        // What may be a truncated texture is kept, but not shared.
        _shared.Visit(key.GridId);
        if (!_shared.Contains(key.GridId) || sender.Length is 0 or > 255 || AssetStructure.Check(key.Type, plain).Verdict != StructureVerdict.Valid) return null;
        return new ClaimLine
        {
            Grid = key.GridId,
            Type = key.Type.Name(),
            Id = key.Id,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(plain)),
            Length = plain.Length,
            Origin = sender,
        };
    }

    /// <summary>A texture has turned out to be baked: what waits of it is forgotten.</summary>
    public void Excluded(Guid texture)
    {
        lock (_gate)
        {
            foreach (string world in _shared.Named) _spool.Remove(world, AssetType.Texture.Name(), texture);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _working;
        lock (_gate) _spool.Write();
        _stop.Dispose();
    }

    private long Now => _time.GetUtcNow().ToUnixTimeSeconds();

    private async Task WorkAsync(ViewerTraffic traffic, Func<AssetType, Guid, bool> isExcluded)
    {
        TimeSpan pause = s_pause;
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), _time, _stop.Token);
                WaitingClaim[] due;
                lock (_gate)
                {
                    due = _requests.Ready ? _spool.Due(Now) : [];
                    _spool.Write();
                }
                if (due.Length == 0) continue;
                await traffic.QuietAsync(_stop.Token);
                bool answered = false;
                try
                {
                    answered = await ClaimAsync(due, traffic, isExcluded);
                }
                catch (Exception e) when (e is HttpRequestException or IOException or JsonException or OperationCanceledException && !_stop.IsCancellationRequested)
                {
                    Log.LookupFailed(_log, HttpTrouble.Reason(e));
                }
                if (answered) pause = s_pause;
                else
                {
                    await Task.Delay(pause, _time, _stop.Token);
                    pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // What waits is written down.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
    }

    /// <summary>False: nobody took them; they are claimed again later.</summary>
    private async Task<bool> ClaimAsync(WaitingClaim[] due, ViewerTraffic traffic, Func<AssetType, Guid, bool> isExcluded)
    {
        List<WaitingClaim> asked = [];
        foreach (WaitingClaim claim in due)
        {
            _shared.Visit(claim.Line.Grid);
            // Its owner is being asked.
            if (_shared.Contains(claim.Line.Grid) && !_shared.MayTell(claim.Line.Grid)) continue;
            if (_shared.Contains(claim.Line.Grid) && AssetTypes.TryParseName(claim.Line.Type, out AssetType type) && !isExcluded(type, claim.Line.Id)) asked.Add(claim);
            else Done(claim);
        }
        if (asked.Count == 0) return true;
        (HttpStatusCode? status, ClaimAnswers? said) = await _calls.ClaimAsync([.. asked.Select(a => a.Line)], _stop.Token);
        if ((int?)status is 400 or 413 or 422)
        {
            // What is not understood will not be understood the next time either, and everything behind it would wait.
            Log.NotTaken(_log, (int)status);
            foreach (WaitingClaim claim in asked) Done(claim);
            return true;
        }
        if (said is null) return false;
        IReadOnlyList<ClaimVerdict> verdicts = said.Lines;
        ClientMetrics.Claims.Add(asked.Count);
        int again = Math.Clamp(said.AgainAfterSeconds, 1, 86_400);
        for (int i = 0; i < asked.Count; i++)
        {
            bool later = verdicts[i] == ClaimVerdict.Again;
            if (verdicts[i] == ClaimVerdict.Wanted)
            {
                await traffic.QuietAsync(_stop.Token);
                later = !await UploadAsync(asked[i].Line, isExcluded);
            }
            if (later) PutOff(asked[i], again);
            else Done(asked[i]);
        }
        return true;
    }

    /// <summary>False: to be claimed again. True also where there is nothing to send any more.</summary>
    private async Task<bool> UploadAsync(ClaimLine line, Func<AssetType, Guid, bool> isExcluded)
    {
        if (!AssetTypes.TryParseName(line.Type, out AssetType type) || isExcluded(type, line.Id)) return true;
        AssetKey key = new(line.Grid, type, line.Id);
        byte[] plain;
        using (StoredAsset? stored = _store.TryOpen(key))
        {
            if (stored is null || stored.Length != line.Length) return true;
            plain = new byte[stored.Length];
            if (!await stored.ReadAsync(0, plain, _stop.Token)) return false;
        }
        if (Convert.ToHexStringLower(SHA256.HashData(plain)) != line.Sha256) return true;
        try
        {
            HttpStatusCode? status = await _calls.UploadAsync(key, plain, _stop.Token);
            bool taken = status is { } code && (int)code is >= 200 and < 300;
            if (taken) ClientMetrics.Uploads.Add(1);
            else if (status is not null) Log.NotTaken(_log, (int)status);
            // A conflict, or not what it should be: that does not change.
            return taken || (int?)status is 409 or 413 or 422;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            return false;
        }
    }

    private void PutOff(WaitingClaim claim, int seconds)
    {
        lock (_gate)
        {
            // Unless it has been forgotten meanwhile.
            if (_spool.Holds(claim)) _spool.Put(claim with { Due = Now + seconds });
        }
    }

    private void Done(WaitingClaim claim)
    {
        lock (_gate) _spool.Remove(claim);
    }
}
