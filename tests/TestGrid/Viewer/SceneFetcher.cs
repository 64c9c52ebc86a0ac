using System.Net;
using System.Net.Http.Headers;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>
/// Fetches assets over HTTP as Firestorm does (PROTOCOL §3.4): textures on 8 connections, 600 bytes first, then ranges
/// that begin one byte before what is held, towards the byte targets of the discard levels; meshes by their header's
/// blocks; the rest by plain GET. What it makes of answers is what viewers make of them: a short 206 is the end of the file.
/// </summary>
public sealed class SceneFetcher : IDisposable
{
    private const int Texture = 0, Mesh = 49, Probe = 600, MeshProbe = 4096;
    private readonly SimulatedViewerOptions options;
    private readonly Func<string[], Task<string?>> cap;
    private readonly Pool textures, meshes, others;

    /// <summary>A fetcher that asks <paramref name="cap"/> for the URL of the first granted of some capabilities.</summary>
    public SceneFetcher(SimulatedViewerOptions options, Func<string[], Task<string?>> cap)
    {
        (this.options, this.cap) = (options, cap);
        textures = new Pool(options.TextureConnections, options.WebProxy);
        meshes = new Pool(options.MeshConnections, options.WebProxy);
        others = new Pool(options.AssetConnections, options.WebProxy);
    }

    /// <summary>Fetches a whole scene: all pools at once, each as wide as its connections.</summary>
    public async Task<SceneReport> FetchAsync(IEnumerable<SceneAsset> scene, CancellationToken cancelled = default)
    {
        long start = options.Time.GetTimestamp();
        AssetFetch[] fetches = await Task.WhenAll(scene.Select(asset => FetchAsync(asset, cancelled)));
        return new SceneReport(fetches, options.Time.GetElapsedTime(start));
    }

    /// <summary>Fetches one asset.</summary>
    public async Task<AssetFetch> FetchAsync(SceneAsset asset, CancellationToken cancelled = default)
    {
        Pool pool = asset.Type switch { Texture => textures, Mesh => meshes, _ => others };
        await pool.Slots.WaitAsync(cancelled);
        try
        {
            var fetch = new Fetch(options, pool.Http, await UrlAsync(asset), asset);
            return await fetch.RunAsync(cancelled);
        }
        finally
        {
            pool.Slots.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        textures.Dispose();
        meshes.Dispose();
        others.Dispose();
    }

    /// <summary>Where this viewer asks for an asset now.</summary>
    public async Task<Uri> UrlAsync(SceneAsset asset)
    {
        string name = asset.Type switch { 0 => "texture", 1 => "sound", 20 => "animatn", 49 => "mesh", 3 => "landmark", 21 => "gesture", _ => "texture" };
        string? at = options.ViewerAsset?.ToString() ?? await cap(asset.Type == Mesh ? ["ViewerAsset", "GetMesh2", "GetMesh"] : ["ViewerAsset", "GetTexture"]);
        if (at is null) throw new InvalidOperationException("no asset capability");
        return new Uri($"{at}{(at.Contains('?') ? "&" : at.EndsWith('/') ? "?" : "/?")}{name}_id={asset.Id:D}");
    }

    /// <summary>Connections of one class and as many requests at a time.</summary>
    private sealed class Pool(int connections, Uri? proxy) : IDisposable
    {
        public SemaphoreSlim Slots { get; } = new(connections);

        public HttpClient Http { get; } = new(new SocketsHttpHandler
        {
            MaxConnectionsPerServer = connections,
            UseProxy = proxy is not null,
            Proxy = proxy is null ? null : new WebProxy(proxy),
            UseCookies = false,
            AllowAutoRedirect = false,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
        })
        { Timeout = TimeSpan.FromSeconds(60) };

        public void Dispose()
        {
            Http.Dispose();
            Slots.Dispose();
        }
    }

    /// <summary>One asset on its way.</summary>
    private sealed class Fetch(SimulatedViewerOptions options, HttpClient http, Uri url, SceneAsset asset)
    {
        private readonly long start = options.Time.GetTimestamp();
        private int requests;
        private long received;
        private TimeSpan? first;
        private bool right = true;

        public async Task<AssetFetch> RunAsync(CancellationToken cancelled)
        {
            string? error;
            try
            {
                error = asset.Type switch
                {
                    Texture => await TextureAsync(cancelled),
                    Mesh => await MeshAsync(cancelled),
                    _ => await PlainAsync(cancelled),
                };
            }
            catch (FetchFailedException failed)
            {
                error = failed.Message;
            }

            TimeSpan took = options.Time.GetElapsedTime(start);
            return new AssetFetch(asset, requests, received, first ?? took, took, error, right);
        }

        private async Task<string?> PlainAsync(CancellationToken cancelled)
        {
            Part part = await GetAsync(null, null, "*/*", cancelled);
            Check(0, part.Bytes, whole: true);
            return null;
        }

        private async Task<string?> TextureAsync(CancellationToken cancelled)
        {
            Part part = await GetAsync(0, Probe - 1, "image/x-j2c", cancelled);
            Check(part.From, part.Bytes, part.Whole);
            int held = part.Bytes.Length;
            bool complete = part.Whole || held < Probe || held == part.Total;
            long pixels = Pixels(part.Bytes);
            foreach (int discard in options.DiscardSteps)
            {
                if (complete) break;
                long target = discard == 0 ? long.MaxValue : Target(pixels, discard);
                if (target <= held) continue;
                // One byte before what is held: the range can always be met, at least by that byte.
                int from = held - 1;
                int? to = target > 20_000_000 ? null : (int)target - 1;
                part = await GetAsync(from, to, "image/x-j2c", cancelled);
                Check(part.Whole ? 0 : part.From, part.Bytes, part.Whole);
                if (part.Whole)
                {
                    complete = true;
                    break;
                }

                if (part.From > held || part.Bytes.Length == 0) return $"a range from {part.From} after {held}";
                held = part.From + part.Bytes.Length;
                complete = to is null || part.Bytes.Length < to - from + 1 || held == part.Total;
            }

            if (complete && asset.Expected is { } expected && !part.Whole && held != expected.Length) right = false;
            return null;
        }

        private async Task<string?> MeshAsync(CancellationToken cancelled)
        {
            Part probe = await GetAsync(0, MeshProbe - 1, "application/vnd.ll.mesh", cancelled);
            Check(probe.From, probe.Bytes, probe.Whole);
            if (probe.Whole) return null;
            if (MeshHeader.TryRead(probe.Bytes) is not { } header) return "no mesh header";
            // The lowest detail first, so that there is something to see; then the best.
            foreach (string name in new[] { "skin", "lowest_lod", "low_lod", "medium_lod", "high_lod" })
            {
                if (header.Block(name) is not { } block) continue;
                if (block.From + block.Size <= probe.Bytes.Length) continue;
                Part part = await GetAsync(block.From, block.From + block.Size - 1, "application/vnd.ll.mesh", cancelled);
                Check(part.Whole ? 0 : part.From, part.Bytes, part.Whole);
                if (!part.Whole && (part.From != block.From || part.Bytes.Length != block.Size)) return $"{name}: not the bytes asked for";
            }

            return null;
        }

        private void Check(int from, byte[] bytes, bool whole)
        {
            if (asset.Expected is not { } expected) return;
            if (from + bytes.Length > expected.Length || (whole && bytes.Length != expected.Length)
                || !bytes.AsSpan().SequenceEqual(expected.AsSpan(from, bytes.Length))) right = false;
        }

        private async Task<Part> GetAsync(int? from, int? to, string accept, CancellationToken cancelled)
        {
            TimeSpan pause = options.RetryPause;
            for (int attempt = 0; ; attempt++)
            {
                string trouble;
                requests++;
                try
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, url);
                    request.Headers.TryAddWithoutValidation("Accept", accept);
                    request.Headers.TryAddWithoutValidation("Keep-Alive", "300");
                    request.Headers.TryAddWithoutValidation("Accept-Encoding", "deflate, gzip");
                    if (from is not null) request.Headers.Range = new RangeHeaderValue(from, to);
                    using HttpResponseMessage reply = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancelled);
                    if (reply.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent)
                    {
                        if (await ReadAsync(reply, from ?? 0, cancelled) is { } part) return part;
                        trouble = "Content-Range and body differ";
                    }
                    else if (reply.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Forbidden or HttpStatusCode.Gone)
                    {
                        throw new FetchFailedException("missing");
                    }
                    else if ((int)reply.StatusCode is 499 or >= 500)
                    {
                        trouble = $"status {(int)reply.StatusCode}";
                        if (reply.Headers.RetryAfter?.Delta is { TotalSeconds: >= 1 and <= 29 } asked) pause = asked;
                    }
                    else
                    {
                        throw new FetchFailedException($"status {(int)reply.StatusCode}");
                    }
                }
                catch (Exception broken) when (broken is HttpRequestException or IOException || (broken is TaskCanceledException && !cancelled.IsCancellationRequested))
                {
                    trouble = broken.Message;
                }

                if (attempt >= options.Retries) throw new FetchFailedException(trouble);
                await Task.Delay(pause, options.Time, cancelled);
                pause *= 2;
            }
        }

        private async Task<Part?> ReadAsync(HttpResponseMessage reply, int askedFrom, CancellationToken cancelled)
        {
            await using Stream body = await reply.Content.ReadAsStreamAsync(cancelled);
            using var kept = new MemoryStream((int)(reply.Content.Headers.ContentLength ?? 0));
            byte[] buffer = new byte[16 << 10];
            for (int n; (n = await body.ReadAsync(buffer, cancelled)) > 0;)
            {
                first ??= options.Time.GetElapsedTime(start);
                received += n;
                kept.Write(buffer, 0, n);
            }

            byte[] bytes = kept.ToArray();
            if (reply.StatusCode == HttpStatusCode.OK) return new Part(0, bytes, true, bytes.Length);
            ContentRangeHeaderValue? range = reply.Content.Headers.ContentRange;
            if (range is { From: { } f, To: { } t } && t - f + 1 != bytes.Length) return null;
            return new Part((int)(range?.From ?? askedFrom), bytes, false, range?.Length);
        }

        private static long Pixels(ReadOnlySpan<byte> j2c) => j2c.Length < 16 || j2c[0] != 0xFF ? 1 << 20
            : (long)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(j2c[8..]) * System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(j2c[12..]);

        /// <summary>Firestorm's byte targets (the table of PROTOCOL §3.4).</summary>
        private static long Target(long pixels, int discard) => discard switch
        {
            >= 5 => 2_648,
            4 => 4_696,
            3 => 12_888,
            2 => pixels <= 256 * 256 ? 12_888 : 45_656,
            _ => pixels <= 256 * 256 ? 12_888 : pixels <= 512 * 512 ? 45_656 : 176_728,
        };
    }

    private sealed record Part(int From, byte[] Bytes, bool Whole, long? Total);

    private sealed class FetchFailedException(string message) : Exception(message);
}
