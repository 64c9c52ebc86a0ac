using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Asks the cache grid for one asset: the whole of it, or nothing. What a node sends is opened and checked before anybody sees a byte of it, and a
/// node whose bytes are not what they should be is left alone for a while.
/// </summary>
internal sealed class GridLookups(
    GridNodes nodes, NodeConnections connections, GridSession session, SharedWorlds shared, ClientLimits limits, TimeProvider time, GridTroubles troubles)
{
    private const int AtOnce = 64;
    private const long MemoryBytes = 64L << 20;
    private static readonly TimeSpan s_headers = TimeSpan.FromSeconds(2), s_whole = TimeSpan.FromSeconds(20), s_lying = TimeSpan.FromSeconds(30), s_unheld = TimeSpan.FromSeconds(10);

    private readonly GridBreaker _breaker = new();
    private readonly ConcurrentDictionary<string, LookupHistory> _histories = new(StringComparer.Ordinal);
    private readonly MemoryBudget _memory = new(MemoryBytes);
    private readonly Recent<AssetKey, bool> _distrusted = new(4096, TimeSpan.FromHours(1), time);
    private readonly SpareQuota _quota = new();
    private long _unheldUntil = long.MinValue;
    private int _asking, _unanswered;

    private enum Verdict : byte { Hit, Miss, Failed, GivenUp }

    /// <summary>Lookups under way.</summary>
    public int Asking => Volatile.Read(ref _asking);

    /// <summary>There is a session to ask under.</summary>
    public bool Ready => session.Token is not null;

    /// <summary>Nothing is asked now.</summary>
    public bool IsPaused => _breaker.IsOpen(Now);

    /// <summary>Whether anything of this virtual world is asked of the cache grid.</summary>
    public bool Shares(string gridId) => shared.Contains(gridId);

    /// <summary>How long the origin is held back for a lookup of this world that begins now.</summary>
    public TimeSpan Hold(string gridId)
    {
        TimeSpan now = Now;
        return session.Token is null || _breaker.IsOpen(now) || now.Ticks < Volatile.Read(ref _unheldUntil) || !_histories.TryGetValue(gridId, out LookupHistory? history) ? TimeSpan.Zero : history.Hold(now);
    }

    /// <summary>What the cache grid has of this asset is not what its world gives: it is not asked for it for a while.</summary>
    public void Distrust(AssetKey key) => _distrusted.Set(key, true);

    /// <summary>False: see <see cref="Distrust"/>.</summary>
    public bool Trusts(AssetKey key) => !_distrusted.TryGet(key, out _);

    /// <summary>A hold brought nothing.</summary>
    public void HeldInVain(string gridId, TimeSpan length) => HistoryOf(gridId).InVain(Now - length, Now);

    /// <summary>The asset's bytes, checked; null: the cache grid has none, may not be asked, or is in trouble. Never faults, and ends soon after <paramref name="stop"/>.</summary>
    public async Task<byte[]?> AskAsync(AssetKey key, CancellationToken stop)
    {
        shared.Visit(key.GridId);
        if (!Shares(key.GridId) || session.Token is not { } token || !Trusts(key)) return null;
        if (Interlocked.Increment(ref _asking) > AtOnce || !_breaker.TryEnter(Now))
        {
            Interlocked.Decrement(ref _asking);
            return null;
        }
        ClientMetrics.Lookups.Add(1);
        using Activity? trace = ClientTraces.Source.StartActivity(ClientTraces.Lookup, ActivityKind.Client);
        trace?.SetTag("gc.type", key.Type.Name());
        long from = time.GetTimestamp();
        byte[]? plain = null;
        Verdict verdict = Verdict.Failed;
        try
        {
            // Twice: a node that has gone is noticed at once by its refusal, and there may be another.
            for (int attempt = 0; attempt < 2 && verdict == Verdict.Failed; attempt++)
            {
                if (nodes.Choose(Now) is not { } node) break;
                (verdict, plain) = await AskAsync(node, key, token, stop);
                // Who is slow once is not waited for twice.
                if (time.GetElapsedTime(from) > s_headers / 2) break;
            }
        }
        catch (Exception e)
        {
            troubles.Background(e);
        }
        finally
        {
            Interlocked.Decrement(ref _asking);
        }
        trace?.SetTag("gc.outcome", verdict.ToString().ToLowerInvariant());
        if (verdict == Verdict.Failed) _breaker.Bad(Now);
        else if (verdict == Verdict.GivenUp) _breaker.Left();
        else HistoryOf(key.GridId).Answered(verdict == Verdict.Hit, time.GetElapsedTime(from));
        if (verdict == Verdict.Hit) ClientMetrics.GridHits.Add(1);
        return plain;
    }

    /// <summary>As <see cref="AskAsync(AssetKey, CancellationToken)"/>, before a viewer asks: null also where less than half of the quota is left.</summary>
    public Task<byte[]?> AskAheadAsync(AssetKey key, CancellationToken stop) => _quota.TryTake(Now) ? AskAsync(key, stop) : Task.FromResult<byte[]?>(null);

    private TimeSpan Now => time.GetElapsedTime(0);

    private LookupHistory HistoryOf(string gridId) => _histories.GetOrAdd(gridId, static (_, most) => new LookupHistory(most), limits.CacheGridHold);

    private async Task<(Verdict, byte[]?)> AskAsync(IPEndPoint node, AssetKey key, string token, CancellationToken stop)
    {
        long from = time.GetTimestamp();
        using CancellationTokenSource late = new(s_headers, time);
        using var ct = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Get, new Uri(NodeApi.PathOf(key), UriKind.Relative));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using HttpResponseMessage answer = await connections.SendAsync(node, request, ct.Token);
            Volatile.Write(ref _unanswered, 0);
            if (nodes.Answered(node, NodeConnections.IsDraining(answer))) connections.Retire(node);
            switch (answer.StatusCode)
            {
                case HttpStatusCode.OK:
                    if (answer.Headers.TryGetValues(NodeApi.QuotaLeftHeader, out IEnumerable<string>? left)) _quota.Told(left.First(), Now);
                    late.CancelAfter(s_whole);
                    return await TakeAsync(node, key, answer, ct.Token);
                case HttpStatusCode.NotFound:
                    _breaker.Good();
                    troubles.Served();
                    return (Verdict.Miss, null);
                case HttpStatusCode.Unauthorized:
                    session.Refused(token);
                    troubles.Session("a node refused it");
                    return (Verdict.Failed, null);
                case HttpStatusCode.TooManyRequests:
                    _quota.UsedUp(Now);
                    _breaker.Pause(Now, RetryAfter(answer, TimeSpan.FromSeconds(30)));
                    return (Verdict.GivenUp, null);
                default:
                    // Nobody waits for a grid that has just said it cannot (DESIGN §4.3), though another of its nodes may be asked.
                    Volatile.Write(ref _unheldUntil, (Now + RetryAfter(answer, s_unheld)).Ticks);
                    nodes.Failed(node, Now, RetryAfter(answer, TimeSpan.Zero));
                    troubles.Node(new HttpRequestException($"status {(int)answer.StatusCode}"));
                    return (Verdict.Failed, null);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && time.GetElapsedTime(from) < s_headers / 2)
        {
            // The world was sooner, which says nothing of the node; but one that has not answered for many in a row, each longer than anybody is held for, is told of.
            if (time.GetElapsedTime(from) >= limits.CacheGridHold && Interlocked.Increment(ref _unanswered) == GridBreaker.Failures) troubles.Unanswered();
            return (Verdict.GivenUp, null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            nodes.Failed(node, Now);
            troubles.Node(e);
            return (Verdict.Failed, null);
        }
    }

    private async Task<(Verdict, byte[]?)> TakeAsync(IPEndPoint node, AssetKey key, HttpResponseMessage answer, CancellationToken ct)
    {
        if (answer.Content.Headers.ContentLength is not (> 0 and { } length) || length > SealedLayout.MaxSealedLength(key.Type)) return Lied(node, "its length");
        byte[] contentKey = new byte[SealKeys.Length];
        if (!answer.Headers.TryGetValues(NodeApi.AssetKeyHeader, out IEnumerable<string>? given) || !TryKey(given.First(), contentKey)) return Lied(node, "its key's form");
        // The sealed and the plain asset together.
        long memory = 2 * length;
        if (!_memory.TryReserve(memory)) return (Verdict.GivenUp, null);
        byte[] sealed_ = ArrayPool<byte>.Shared.Rent((int)length);
        try
        {
            using Stream body = await answer.Content.ReadAsStreamAsync(ct);
            await body.ReadExactlyAsync(sealed_.AsMemory(0, (int)length), ct);
            SealFault fault = SealedAsset.Open(key, sealed_.AsSpan(0, (int)length), contentKey, out byte[] plain);
            if (fault == SealFault.Version)
            {
                // Its node is sound, and newer than we are: what we cannot read it does not have.
                _breaker.Good();
                troubles.Later();
                return (Verdict.Miss, null);
            }
            if (fault != SealFault.None) return Lied(node, fault.ToString());
            StructureResult structure = AssetStructure.Check(key.Type, plain);
            if (structure.Verdict != StructureVerdict.Valid) return Lied(node, structure.Reason);
            _breaker.Good();
            troubles.Served();
            return (Verdict.Hit, plain);
        }
        finally
        {
            Array.Clear(contentKey);
            ArrayPool<byte>.Shared.Return(sealed_);
            _memory.Release(memory);
        }
    }

    private (Verdict, byte[]?) Lied(IPEndPoint node, string fault)
    {
        nodes.Failed(node, Now, s_lying);
        troubles.Lying(node, fault);
        return (Verdict.Failed, null);
    }

    private static bool TryKey(string text, Span<byte> key) => Base64UrlBytes.TryRead(text, key[..SealKeys.Length]);

    private static TimeSpan RetryAfter(HttpResponseMessage answer, TimeSpan otherwise) =>
        answer.Headers.RetryAfter?.Delta is { } told ? TimeSpan.FromSeconds(Math.Clamp(told.TotalSeconds, 1, 3600)) : otherwise;
}
