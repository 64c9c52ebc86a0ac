using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
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
    private const int MaxAnswerBytes = 64 << 10;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60), s_pause = TimeSpan.FromMinutes(1), s_longestPause = TimeSpan.FromMinutes(30);
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 8, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private readonly ClaimSpool _spool;
    private readonly AssetStore _store;
    private readonly GridNodes _nodes;
    private readonly NodeConnections _connections;
    private readonly GridSession _session;
    private readonly IReadOnlySet<string> _shared;
    private readonly ClientLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _working = Task.CompletedTask;

    public GridClaims(
        ClaimSpool spool, AssetStore store, GridNodes nodes, NodeConnections connections, GridSession session, IReadOnlySet<string> shared,
        ClientLimits limits, TimeProvider time, ILogger log)
    {
        (_spool, _store, _nodes, _connections, _session, _shared) = (spool, store, nodes, connections, session, shared);
        (_limits, _time, _log) = (limits, time, log);
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
        // What may be a truncated texture is kept, but not shared.
        if (!_shared.Contains(key.GridId) || sender.Length > 255 || AssetStructure.Check(key.Type, plain).Verdict != StructureVerdict.Valid) return;
        long now = Now;
        double most = _limits.ClaimWithin.TotalSeconds;
        ClaimLine line = new()
        {
            Grid = key.GridId,
            Type = key.Type.Name(),
            Id = key.Id,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(plain)),
            Length = plain.Length,
            Origin = sender,
        };
        lock (_gate) _spool.Put(new WaitingClaim(line, now + (long)(most * (1 + 14 * Random.Shared.NextDouble()) / 15), now));
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
                    due = _session.Token is null ? [] : _spool.Due(Now);
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
                    Log.LookupFailed(_log, GridTroubles.Reason(e));
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
            if (_shared.Contains(claim.Line.Grid) && AssetTypes.TryParseName(claim.Line.Type, out AssetType type) && !isExcluded(type, claim.Line.Id)) asked.Add(claim);
            else Done(claim);
        }
        if (asked.Count == 0) return true;
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new ClaimBatch { Lines = [.. asked.Select(a => a.Line)] }, s_json);
        using HttpResponseMessage? answer = await SendAsync(HttpMethod.Post, NodeApi.Claims, body, "application/json");
        if (answer is null || answer.StatusCode != HttpStatusCode.OK) return false;
        byte[] bytes = new byte[MaxAnswerBytes];
        using Stream stream = await answer.Content.ReadAsStreamAsync(_stop.Token);
        int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, _stop.Token);
        if (JsonSerializer.Deserialize<ClaimAnswers>(bytes.AsSpan(0, length), s_json) is not { Lines: { } verdicts } said || verdicts.Count != asked.Count) return false;
        ClientMetrics.Claims.Add(asked.Count);
        int again = Math.Clamp(said.AgainAfterSeconds, 1, 86_400);
        for (int i = 0; i < asked.Count; i++)
        {
            bool later = verdicts[i] == ClaimVerdict.Again;
            if (verdicts[i] == ClaimVerdict.Wanted)
            {
                await traffic.QuietAsync(_stop.Token);
                later = !await UploadAsync(asked[i].Line);
            }
            if (later) PutOff(asked[i], again);
            else Done(asked[i]);
        }
        return true;
    }

    /// <summary>False: to be claimed again. True also where there is nothing to send any more.</summary>
    private async Task<bool> UploadAsync(ClaimLine line)
    {
        if (!AssetTypes.TryParseName(line.Type, out AssetType type)) return true;
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
            using HttpResponseMessage? answer = await SendAsync(HttpMethod.Put, NodeApi.PathOf(key), plain, "application/octet-stream");
            if (answer?.IsSuccessStatusCode == true) ClientMetrics.Uploads.Add(1);
            else if (answer is not null) Log.NotTaken(_log, (int)answer.StatusCode);
            // A conflict, or not what it should be: that does not change.
            return answer is not null && (answer.IsSuccessStatusCode || (int)answer.StatusCode is 409 or 413 or 422);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task<HttpResponseMessage?> SendAsync(HttpMethod method, string path, byte[] body, string contentType)
    {
        TimeSpan now = _time.GetElapsedTime(0);
        if (_session.Token is not { } token || _nodes.Choose(now) is not { } node) return null;
        using CancellationTokenSource late = new(s_patience, _time);
        using var ct = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stop.Token);
        using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative)) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add(NodeApi.SignatureHeader, _session.Identity.Sign(method.Method, path, body));
        HttpResponseMessage answer = await _connections.SendAsync(node, request, ct.Token);
        if (answer.StatusCode == HttpStatusCode.Unauthorized) _session.Refused(token);
        return answer;
    }

    private void PutOff(WaitingClaim claim, int seconds)
    {
        lock (_gate) _spool.Put(claim with { Due = Now + seconds });
    }

    private void Done(WaitingClaim claim)
    {
        lock (_gate) _spool.Remove(claim);
    }
}
