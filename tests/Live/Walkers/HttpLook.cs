using System.Net;
using System.Net.Http.Headers;
using GlobalCache.Policy;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Live.Walkers;

/// <summary>One request of a viewer after the other, and what is to be said about each answer.</summary>
/// <param name="book">Where it is said.</param>
/// <param name="clock">Of the run.</param>
/// <param name="direct">How long the grid itself takes.</param>
/// <param name="slack">What a machine may be busy otherwise.</param>
internal sealed class HttpLook(Book book, Clock clock, Direct direct, TimeSpan slack) : IDisposable
{
    /// <summary>Whose trouble spoils a request that concerns the grid.</summary>
    public const string Grid = "the grid";

    private static readonly ClientLimits s_limits = new();

    // What a viewer's own patience is (PROTOCOL §3.4), and none of it is for us to use up.
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(60) };

    /// <param name="client">Which client it goes through.</param>
    /// <param name="url">Where the asset is asked for.</param>
    /// <param name="asset">Which.</param>
    /// <param name="from">First byte; null: all of it.</param>
    /// <param name="to">Last byte; null: to the end.</param>
    /// <param name="arrived">Since when the viewer stands in its region.</param>
    public async Task AskAsync(string client, Uri url, SceneAsset asset, int? from, int? to, TimeSpan arrived)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (from is not null) request.Headers.Range = new RangeHeaderValue(from, to);
        TimeSpan at = clock.Now;
        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
            Answered(client, asset, from, to, at, arrived, answer, bytes);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            TimeSpan now = clock.Now;
            if (book.Troubled(at, now, client)) book.Count("HTTP, in a client's restart or sleep: broken off");
            else if (book.Troubled(at, now, Grid)) book.Count("HTTP, in an outage of the grid: broken off");
            else book.Check(Book.RightBytes, kept: false, $"{Tell(client, asset, from, to)} was broken off after {now - at}: {e.GetBaseException().Message} ({book.At(now)})");
        }
    }

    public void Dispose() => _http.Dispose();

    private void Answered(string client, SceneAsset asset, int? from, int? to, TimeSpan at, TimeSpan arrived, HttpResponseMessage answer, byte[] bytes)
    {
        TimeSpan now = clock.Now, took = now - at;
        bool restart = book.Troubled(at, now, client), outage = book.Troubled(at, now, Grid);
        string where = restart ? "HTTP, in a client's restart or sleep" : outage ? "HTTP, in an outage of the grid" : "HTTP";
        if (answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent)
        {
            // Whatever goes on, no other byte than the grid's.
            book.Check(Book.RightBytes, asset.Expected is { } truth && IsRight(truth, from, to, answer, bytes), $"{Tell(client, asset, from, to)} was answered with {bytes.Length} other bytes under {answer.Content.Headers.ContentRange} ({book.At(now)})");
            book.Count(where + ": right bytes");
        }
        else
        {
            bool missing = asset.Expected is null && answer.StatusCode == HttpStatusCode.NotFound;
            book.Check(Book.RightBytes, missing || restart || (outage && (int)answer.StatusCode >= 500), $"{Tell(client, asset, from, to)} was answered with {(int)answer.StatusCode} ({book.At(now)})");
            book.Count(missing ? where + ": not there, as the grid says" : $"{where}: {(int)answer.StatusCode}");
        }
        book.InAll.Add(took);
        if (restart || outage) return;
        TimeSpan usual = direct.Longest(at), over = took > usual ? took - usual : TimeSpan.Zero;
        book.OverDirect.Add(over);
        // In a region it has just come to, the client may wait a moment for the region to say which grid it is (ADR 1).
        TimeSpan hold = s_limits.CacheGridHold + (at - arrived < s_limits.GridIdTimeout ? s_limits.GridIdHold : TimeSpan.Zero);
        book.Check(Book.InTime, over <= hold + slack, $"{Tell(client, asset, from, to)} took {took}, the grid itself {usual} at most ({book.At(now)})");
    }

    private static bool IsRight(byte[] truth, int? from, int? to, HttpResponseMessage answer, byte[] bytes)
    {
        if (answer.StatusCode == HttpStatusCode.OK) return bytes.AsSpan().SequenceEqual(truth);
        int first = (int)(answer.Content.Headers.ContentRange?.From ?? -1);
        return from == first && bytes.Length == Math.Min(truth.Length - 1, to ?? int.MaxValue) - first + 1 && bytes.AsSpan().SequenceEqual(truth.AsSpan(first, bytes.Length));
    }

    private static string Tell(string client, SceneAsset asset, int? from, int? to) => $"{client}, type {asset.Type}, …{asset.Id.ToString()[^6..]}{(from is null ? "" : $", bytes {from}-{to}")}";
}
