using System.Net;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Figures;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Asks the grid for one part of an asset and brings what comes into its assembly, chunk by chunk as received. Only an answer
/// that states its exact place and length is joined with others; every other one is left to the viewer whose request it was.
/// </summary>
internal sealed class AssetOrigin(Assemblies assemblies, ClientLimits limits, TimeProvider time, ILogger log, ClientFigures? figures = null)
{
    // The largest array below the large object heap; viewers read it while it is being filled.
    private const int ChunkBytes = 64 << 10;

    /// <summary>Negative answers of the last moments. They are never shared beyond this process.</summary>
    private readonly Recent<AssemblyKey, Negative> _negatives = new(1024, limits.NegativeLifetime, time);

    private sealed record Negative(int Status, IReadOnlyList<Uri> Asked);

    /// <summary>A 403, 404 or 410 that every host which would be asked now has just given.</summary>
    public bool TryRecallNegative(in AssemblyKey key, AssetSource source, out int status)
    {
        status = 0;
        if (!_negatives.TryGet(key, out Negative? negative)) return false;
        foreach (Uri origin in source.Origins(key.Type))
        {
            if (!negative.Asked.Contains(origin)) return false;
        }
        status = negative.Status;
        return true;
    }

    /// <summary>
    /// Asks the first origin, and once the second if the first knows nothing of it or cannot be reached: caps die when their region is
    /// left (PROTOCOL §3.7). Null: nobody could be asked.
    /// </summary>
    public async Task<HttpResponseMessage?> AskAsync(
        HttpMessageInvoker invoker, Question question, HttpMethod method, StringValues range, Stream? body, CancellationToken ct)
    {
        IReadOnlyList<Uri> origins = question.Source.Origins(question.Type);
        // A body can be sent but once.
        int last = Math.Min(origins.Count, body is null ? 2 : 1) - 1;
        for (int i = 0; i <= last; i++)
        {
            HttpContent? content = body is null ? null : new StreamContent(body);
            try
            {
                HttpResponseMessage answer = await invoker.SendAsync(AssetHeaders.Request(method, origins[i], question, range, content), ct);
                if (i == last || !IsNegative(answer.StatusCode)) return answer;
                answer.Dispose();
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                Log.HostFailed(log, HttpTrouble.Reason(e));
            }
        }
        return null;
    }

    /// <summary>Runs a fetch to its end; never faults. The background passes <paramref name="yieldTo"/> and stands still for it.</summary>
    public async Task RunAsync(Fetch fetch, HttpMessageInvoker invoker, Question question, ViewerTraffic? yieldTo = null)
    {
        using CancellationTokenSource late = new(limits.AssetAnswerTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, fetch.Stop.Token);
        try
        {
            long asked = time.GetTimestamp();
            HttpResponseMessage? answer = await AskAsync(invoker, question, HttpMethod.Get, fetch.Range, body: null, stop.Token);
            long answered = time.GetTimestamp();
            FetchEnd end = answer is null ? FetchEnd.Failed : await TakeAsync(fetch, answer, question, yieldTo, late, stop.Token);
            // The background stands still now and then, and says nothing of the grid.
            if (end == FetchEnd.Delivered && fetch.Owner is not null && question.Source.World is { } world)
                figures?.Measured(world, time.GetElapsedTime(asked, answered), time.GetElapsedTime(answered), fetch.Announced);
            fetch.Assembly.Finish(fetch, end);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Log.HostFailed(log, HttpTrouble.Reason(e));
            fetch.Assembly.Finish(fetch, FetchEnd.Failed);
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(log, e);
            fetch.Assembly.Finish(fetch, FetchEnd.Failed);
        }
    }

    /// <summary>One whole asset, apart from all assemblies; never faults.</summary>
    public async Task<Fetched> FetchAsync(HttpMessageInvoker invoker, Question question, CancellationToken ct)
    {
        using CancellationTokenSource late = new(limits.AssetAnswerTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, ct);
        try
        {
            using HttpResponseMessage? answer = await AskAsync(invoker, question, HttpMethod.Get, default, body: null, stop.Token);
            if (answer is null) return Fetched.Nothing;
            int status = (int)answer.StatusCode;
            if (answer.StatusCode != HttpStatusCode.OK || AssetHeaders.IsEncoded(answer)
                || answer.Content.Headers.ContentLength is not (> 0 and { } length) || length > question.Type.MaxBytes()) return new Fetched(status, null, "");
            byte[] bytes = new byte[length];
            using Stream body = await answer.Content.ReadAsStreamAsync(stop.Token);
            await body.ReadExactlyAsync(bytes, stop.Token);
            return new Fetched(status, bytes, SenderOf(answer));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Log.HostFailed(log, HttpTrouble.Reason(e));
            return Fetched.Nothing;
        }
    }

    private async Task<FetchEnd> TakeAsync(
        Fetch fetch, HttpResponseMessage answer, Question question, ViewerTraffic? yieldTo, CancellationTokenSource late, CancellationToken ct)
    {
        Assembly assembly = fetch.Assembly;
        fetch.Status = (int)answer.StatusCode;
        if (answer.Headers.RetryAfter?.Delta is { } pause) fetch.RetryAfterSeconds = (int)Math.Clamp(pause.TotalSeconds, 1, 300);
        if (fetch.Status >= 500)
        {
            answer.Dispose();
            return FetchEnd.Failed;
        }
        if (!TryExtent(fetch, answer, out Interval bytes, out long total) || !assemblies.TryReserve(bytes.Length))
        {
            if (IsNegative(answer.StatusCode))
                _negatives.Set(assembly.Key, new Negative(fetch.Status, question.Source.Origins(question.Type)));
            fetch.Hand(answer);
            return FetchEnd.Opaque;
        }

        using HttpResponseMessage owned = answer;
        if (!assembly.Accept(fetch, bytes, total, SenderOf(answer)))
        {
            assemblies.Release(bytes.Length);
            return FetchEnd.Conflict;
        }
        Stream body = await answer.Content.ReadAsStreamAsync(ct);
        byte[] chunk = [];
        int filled = 0;
        for (long rest = bytes.Length; rest > 0;)
        {
            if (filled == chunk.Length) (chunk, filled) = (GC.AllocateUninitializedArray<byte>((int)Math.Min(rest, ChunkBytes)), 0);
            late.CancelAfter(limits.AssetStallTimeout);
            if (yieldTo is { Waiting: > 0 })
            {
                if (!await StandStillAsync(yieldTo, ct)) return FetchEnd.Stopped;
                late.CancelAfter(limits.AssetStallTimeout);
            }
            int read = await body.ReadAsync(chunk.AsMemory(filled), ct);
            if (read == 0) return FetchEnd.Failed;
            if (!assembly.Append(fetch, chunk, filled, read, out bool awaited))
            {
                if (fetch.End != FetchEnd.Conflict) return FetchEnd.Stopped;
                Log.Contradiction(log);
                return FetchEnd.Conflict;
            }
            filled += read;
            rest -= read;
            // Viewers first: a host on the same machine can keep this loop from ever waiting, and the reader from getting a thread.
            if (awaited) await Task.Yield();
        }
        return FetchEnd.Delivered;
    }

    // False: the viewers kept the line for so long that the request had better be made anew later.
    private static async Task<bool> StandStillAsync(ViewerTraffic traffic, CancellationToken ct)
    {
        try
        {
            await traffic.QuietAsync(ct);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Where the answer's body belongs, by the answer's own words (PROTOCOL §3.6); false when it does not say so exactly.</summary>
    private static bool TryExtent(Fetch fetch, HttpResponseMessage answer, out Interval bytes, out long total)
    {
        bytes = default;
        total = 0;
        if (answer.Content.Headers.ContentLength is not { } length || length == 0 || AssetHeaders.IsEncoded(answer)) return false;
        if (answer.StatusCode == HttpStatusCode.OK)
        {
            bytes = new Interval(0, total = length);
        }
        else if (answer.StatusCode == HttpStatusCode.PartialContent && fetch.Range is not null
            && answer.Content.Headers.ContentRange is { Unit: "bytes", From: { } from, To: { } to, Length: { } whole })
        {
            bytes = new Interval(from, to + 1);
            total = whole;
            if (from != fetch.Asked.Start || to >= whole || bytes.Length != length) return false;
        }
        else return false;
        return total <= fetch.Assembly.Key.Type.MaxBytes();
    }

    private static string SenderOf(HttpResponseMessage answer) => answer.RequestMessage?.RequestUri?.IdnHost.ToLowerInvariant() ?? "";

    private static bool IsNegative(HttpStatusCode status) => status is HttpStatusCode.NotFound or HttpStatusCode.Forbidden or HttpStatusCode.Gone;
}

/// <summary>What came of asking for one whole asset.</summary>
/// <param name="Status">0: no answer.</param>
/// <param name="Bytes">Null: another status than 200, or an answer that does not state its length.</param>
/// <param name="Sender">The host that sent them.</param>
internal readonly record struct Fetched(int Status, byte[]? Bytes, string Sender)
{
    public static readonly Fetched Nothing = new(0, null, "");
}
