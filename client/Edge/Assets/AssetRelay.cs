using System.Diagnostics;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// HTTP assets between viewers and grids (DESIGN §4): from the local store when it holds them, else from the grid as they come,
/// and kept once complete. Whatever of ours fails, the viewer gets what the grid would have given.
/// </summary>
internal sealed class AssetRelay : IAsyncDisposable
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);

    private readonly AssetStore _store;
    private readonly Exclusions _exclusions;
    private readonly Assemblies _assemblies;
    private readonly ViewerTraffic _traffic;
    private readonly AssetCapture _capture;
    private readonly AssetOrigin _origin;
    private readonly HttpMessageInvoker _background;
    private readonly ClientLimits _limits;
    private readonly AssetCompletion _completion;
    private readonly AssetMisses _misses;
    private readonly ClientFigures? _figures;
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private readonly ILogger _log;

    /// <param name="store">Stays the caller's.</param>
    /// <param name="exclusions">Textures seen baked.</param>
    /// <param name="standIns">Pictures that stand in for others.</param>
    /// <param name="viewers">For viewers' own requests.</param>
    /// <param name="completion">For the background's, on connections of its own.</param>
    /// <param name="limits">Bounds and waits.</param>
    /// <param name="time">The clock of every wait.</param>
    /// <param name="log">Never gets to know a UUID.</param>
    /// <param name="grid">The cache grid, if there is one.</param>
    /// <param name="checks">What it gave is compared there with what the grid gives, and claimed.</param>
    /// <param name="figures">Told what viewers got.</param>
    public AssetRelay(
        AssetStore store, Exclusions exclusions, StandInPictures standIns, HttpMessageInvoker viewers, HttpMessageInvoker completion,
        ClientLimits limits, TimeProvider time, ILogger log, GridLookups? grid = null, GridChecks? checks = null,
        ClientFigures? figures = null)
    {
        (_store, _exclusions, _background, _limits, _log) = (store, exclusions, completion, limits, log);
        (_figures, _time) = (figures, time);
        Intake = new AssetIntake(store, exclusions, standIns, log);
        _assemblies = new Assemblies(limits, time);
        _traffic = new ViewerTraffic(limits.CompletionSettle, time);
        _capture = new AssetCapture(_assemblies, Intake, checks, limits, time, log);
        _origin = new AssetOrigin(_assemblies, limits, time, log, figures);
        _misses = new AssetMisses(_assemblies, _origin, _capture, viewers, grid, checks, limits, time, log);
        _completion = new AssetCompletion(_capture, _origin, _traffic, completion, limits, time, log);
        _sweep = time.CreateTimer(static a => ((Assemblies)a!).Sweep(), _assemblies, SweepEvery, SweepEvery);
    }

    /// <summary>Where whole assets are kept, whichever way they come.</summary>
    public AssetIntake Intake { get; }

    /// <summary>Viewers' requests over HTTP, for which all background work stands still.</summary>
    public ViewerTraffic Traffic => _traffic;

    /// <summary>Assets being pieced together, and the memory reserved for them.</summary>
    public (int Count, long ReservedBytes) Assembling => (_assemblies.Count, _assemblies.ReservedBytes);

    /// <summary>Viewers' requests that wait for a grid.</summary>
    public int Waiting => _traffic.Waiting;

    /// <param name="context">Any request on an asset cap.</param>
    /// <param name="source">Where that cap leads.</param>
    /// <param name="remainder">The path after the cap or its token, <c>/</c> or nothing for asset requests.</param>
    public Task HandleAsync(HttpContext context, AssetSource source, string remainder)
    {
        HttpRequest request = context.Request;
        bool reads = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (!reads || !AssetRequest.TryParse(remainder, request.QueryString.Value, out AssetRequest asked)
            || (asked.Type == AssetType.Texture && _exclusions.Contains(asked.Id))) return PassThroughAsync(context, source, AssetType.Texture, remainder);

        long began = _time.GetTimestamp();
        return ClientTraces.Source.HasListeners() ? TracedAsync(context, source, remainder, asked, began)
            : source.Hold is null or { IsCompleted: true } ? ServeAsync(context, source, remainder, asked, began) : HeldAsync(context, source, remainder, asked, began);
    }

    private async Task TracedAsync(HttpContext context, AssetSource source, string remainder, AssetRequest asked, long began)
    {
        using Activity? trace = ClientTraces.Begin(ClientTraces.Asset);
        trace?.SetTag("gc.type", asked.Type.Name());
        if (source.Hold is { } hold) await hold;
        await ServeAsync(context, source, remainder, asked, began);
    }

    /// <summary>On arrival the region's grid may not be known yet: a short wait that saves asking for what the store holds.</summary>
    private async Task HeldAsync(HttpContext context, AssetSource source, string remainder, AssetRequest asked, long began)
    {
        await source.Hold!;
        await ServeAsync(context, source, remainder, asked, began);
    }

    private Task ServeAsync(HttpContext context, AssetSource source, string remainder, AssetRequest asked, long began)
    {
        ByteRange range = ByteRange.Parse(context.Request.Headers.Range);
        return source.GridId.IsCompletedSuccessfully && _store.TryOpen(new AssetKey(source.GridId.Result, asked.Type, asked.Id)) is { } stored
            ? HitAsync(context, source, remainder, asked, range, stored, began)
            : MissAsync(context, source, remainder, asked, range, resumeTotal: null, began);
    }

    /// <summary>
    /// Completes, in the background and once, a texture that came in part another way; a viewer that asks for it meanwhile joins in. Nothing happens
    /// when it is too large for that, is on its way already, or memory is short.
    /// </summary>
    /// <param name="source">The region that sent the part. Its grid is known.</param>
    /// <param name="id">The texture.</param>
    /// <param name="bytes">As long as the texture; not to be changed any more.</param>
    /// <param name="held">What of it has come.</param>
    public void TopUp(AssetSource source, Guid id, byte[] bytes, IReadOnlyList<Interval> held)
    {
        if (bytes.Length > _limits.CompleteTextureUpToBytes) return;
        AssemblyKey key = new(source.Scope, source.GridId.Result, AssetType.Texture, id);
        Question question = QuestionOf(source, AssetType.Texture, id);
        if (_origin.TryRecallNegative(key, source, out _) || _assemblies.Open(key, question) is not { } assembly) return;
        if (!_assemblies.TryReserve(bytes.Length)) return;
        if (!assembly.TryBegin(bytes, held)) _assemblies.Release(bytes.Length);
        _capture.Review(assembly);
    }

    /// <summary>One whole asset for the client itself; never faults.</summary>
    public Task<Fetched> FetchAsync(AssetSource source, AssetType type, Guid id, CancellationToken stop) =>
        _origin.FetchAsync(_background, QuestionOf(source, type, id), stop);

    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        await _completion.DisposeAsync();
        await _capture.DisposeAsync();
        Intake.Dispose();
    }

    private async Task HitAsync(HttpContext context, AssetSource source, string remainder, AssetRequest asked, ByteRange range, StoredAsset stored, long began)
    {
        // There is no ETag to compare: with If-Range the whole asset is the right answer (RFC 9110 §13.1.5).
        Slice slice = (context.Request.Headers.IfRange.Count > 0 ? ByteRange.None : range).Of(stored.Length);
        long sent;
        using (stored)
        {
            if (HttpMethods.IsHead(context.Request.Method))
            {
                AssetAnswer.Begin(context.Response, asked.Type, slice);
                return;
            }
            sent = await AssetHits.SendAsync(context, stored, asked.Type, slice);
        }
        ClientMetrics.StoreBytes.Add(sent);
        if (sent == slice.Bytes.Length)
        {
            ClientMetrics.Hits.Add(1);
            Tell(source, ServedFrom.Hit, asked.Type, sent, began);
            return;
        }
        Log.StoreMissed(_log);
        if (sent == 0) await MissAsync(context, source, remainder, asked, range, resumeTotal: null, began);
        else await MissAsync(context, source, remainder, asked, ByteRange.Of(slice.Bytes with { Start = slice.Bytes.Start + sent }), slice.Total, began);
    }

    private async Task MissAsync(HttpContext context, AssetSource source, string remainder, AssetRequest asked, ByteRange range, long? resumeTotal, long began)
    {
        IHeaderDictionary headers = context.Request.Headers;
        bool joins = resumeTotal is not null || (HttpMethods.IsGet(context.Request.Method) && range.Kind != RangeKind.Odd
            && headers.IfRange.Count == 0 && headers.IfNoneMatch.Count == 0 && headers.IfModifiedSince.Count == 0
            && headers.IfMatch.Count == 0 && headers.IfUnmodifiedSince.Count == 0);
        if (!joins)
        {
            await PassThroughAsync(context, source, asked.Type, remainder);
            return;
        }
        ClientMetrics.Misses.Add(1);
        _traffic.Enter();
        try
        {
            Delivered got = await _misses.ServeAsync(context, asked, range, QuestionOf(context, source, asked.Type, remainder), resumeTotal);
            if (got.Bytes > 0) Tell(source, got.IsShared ? ServedFrom.Shared : ServedFrom.Miss, asked.Type, got.Bytes, began);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The viewer has gone; its connection is broken already.
        }
        finally
        {
            _traffic.Leave();
        }
    }

    private void Tell(AssetSource source, ServedFrom from, AssetType type, long bytes, long began)
    {
        if (Activity.Current is { Source.Name: ClientMetrics.MeterName } trace) trace.SetTag("gc.from", from switch { ServedFrom.Hit => "hit", ServedFrom.Shared => "shared", _ => "miss" });
        _figures?.Add(new Visitor(source.Scope, source.Place, source.World), new Served(from, type, bytes, _time.GetElapsedTime(began)), _time.GetLocalNow());
    }

    private async Task PassThroughAsync(HttpContext context, AssetSource source, AssetType type, string remainder)
    {
        _traffic.Enter();
        try
        {
            await _misses.PassThroughAsync(context, QuestionOf(context, source, type, remainder));
        }
        finally
        {
            _traffic.Leave();
        }
    }

    private static Question QuestionOf(AssetSource source, AssetType type, Guid id) => new(source, type, "/", $"?{type.QueryParameter()}={id:D}", []);

    private static Question QuestionOf(HttpContext context, AssetSource source, AssetType type, string remainder) =>
        new(source, type, remainder, context.Request.QueryString.Value ?? "", AssetHeaders.OfViewer(context.Request));
}
