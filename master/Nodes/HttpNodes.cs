using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using GlobalCache.Master.Fleets;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Nodes;

/// <summary>The nodes by their reports, and over HTTP at their private addresses. What is asked here waits for two seconds at most.</summary>
internal sealed class HttpNodes : INodes, IDisposable
{
    private const int MostAsked = 3;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2), s_young = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 4 };

    private readonly ReportDesk _desk;
    private readonly byte[] _key;
    private readonly int _port;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;
    private long _lastAt;

    /// <param name="desk">Has their reports.</param>
    /// <param name="key">The report key.</param>
    /// <param name="port">Of their private listeners.</param>
    /// <param name="time">Clock.</param>
    /// <param name="http">How they are reached; null: over TCP.</param>
    public HttpNodes(ReportDesk desk, byte[] key, int port, TimeProvider time, HttpMessageInvoker? http = null) => (_desk, _key, _port, _time, _http) = (desk, key, port, time, http ?? Tcp());

    public async Task<NodeLook?> LookAsync(Instance instance, CancellationToken ct)
    {
        if (_desk.TryLook(instance.Id, out NodeReport? report, out DateTimeOffset heard, out TimeSpan age) && age < s_young) return LookOf(report, heard);
        // No word, or an old one: perhaps its way to us is shut, and ours to it is not.
        NodeStatus? status = await AskAsync<NodeStatus>(instance, HttpMethod.Get, "/status", null, ct);
        return status is null ? null : new NodeLook
        {
            At = _time.GetUtcNow(),
            Ready = status.Ready,
            Intent = status.Draining ? Intent.Drain : Intent.Serve,
            RequestsPerSecond = status.RequestsPerSecond,
            InFlight = status.InFlight,
            Quiet = TimeSpan.FromSeconds(status.QuietSeconds),
            Load = status.Load,
        };
    }

    public async Task<bool> TellAsync(Instance instance, Intent intent, long epoch, CancellationToken ct) =>
        await OrderAsync(instance, intent == Intent.Serve ? NodeWord.Serve : NodeWord.Drain, epoch, ct);

    public Task<bool> RetireAsync(Instance instance, long epoch, CancellationToken ct) => OrderAsync(instance, NodeWord.Retire, epoch, ct);

    /// <summary>What an asset's object is called, by a node's word: the master holds no key for it. Null: no node answers.</summary>
    public async Task<string?> NameAsync(Instance instance, AssetKey key, CancellationToken ct) =>
        (await AskAsync<AssetName>(instance, HttpMethod.Post, FleetApi.Names, new AssetNameRequest { At = NextAt(), Grid = key.GridId, Type = AssetTypes.Name(key.Type), Id = key.Id }, ct))?.Name;

    /// <summary>The same by the word of the first of these that answers; three are asked at most.</summary>
    public async Task<string?> NameAsync(IEnumerable<Instance> instances, AssetKey key, CancellationToken ct)
    {
        foreach (Instance instance in instances.Take(MostAsked))
            if (await NameAsync(instance, key, ct) is { } name) return name;
        return null;
    }

    public void Dispose() => _http.Dispose();

    private static NodeLook LookOf(NodeReport report, DateTimeOffset heard) => new()
    {
        At = heard,
        Ready = report.Ready,
        Intent = report.Draining ? Intent.Drain : Intent.Serve,
        RequestsPerSecond = report.RequestsPerSecond,
        InFlight = report.InFlight,
        Quiet = TimeSpan.FromSeconds(report.QuietSeconds),
        Load = report.Load,
    };

    private async Task<bool> OrderAsync(Instance instance, NodeWord word, long epoch, CancellationToken ct)
    {
        using HttpResponseMessage? answer = await SendAsync(instance, HttpMethod.Post, FleetApi.Orders, new NodeOrder { Node = instance.Id, At = NextAt(), Epoch = epoch, Word = word }, ct);
        return answer?.StatusCode == HttpStatusCode.NoContent;
    }

    private async Task<T?> AskAsync<T>(Instance instance, HttpMethod method, string path, object? body, CancellationToken ct)
        where T : class
    {
        using HttpResponseMessage? answer = await SendAsync(instance, method, path, body, ct);
        if (answer?.StatusCode != HttpStatusCode.OK) return null;
        try
        {
            byte[] read = new byte[FleetApi.MaxBytes];
            int length = await (await answer.Content.ReadAsStreamAsync(ct)).ReadAtLeastAsync(read, read.Length, throwOnEndOfStream: false, ct);
            return JsonSerializer.Deserialize<T>(read.AsSpan(0, length), s_json);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The answer; null: there is none in time.</summary>
    private async Task<HttpResponseMessage?> SendAsync(Instance instance, HttpMethod method, string path, object? body, CancellationToken ct)
    {
        if (instance.PrivateAddress is not { } address) return null;
        using var late = new CancellationTokenSource(s_patience, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        using var request = new HttpRequestMessage(method, $"http://{new IPEndPoint(address, _port)}{path}");
        if (body is not null)
        {
            byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), s_json);
            request.Content = new ByteArrayContent(bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.TryAddWithoutValidation(FleetApi.SignatureHeader, FleetSignature.Of(_key, path, bytes));
        }
        try
        {
            return await _http.SendAsync(request, stop.Token);
        }
        catch (Exception e) when ((e is HttpRequestException or IOException or OperationCanceledException) && !ct.IsCancellationRequested)
        {
            return null;
        }
    }

    private static HttpMessageInvoker Tcp() => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = s_patience,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxConnectionsPerServer = 4,
        MaxResponseHeadersLength = 8,
    });

    // Rises, so that no order is taken for an echo of the one before.
    private long NextAt()
    {
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        while (true)
        {
            long last = Volatile.Read(ref _lastAt), next = Math.Max(last + 1, now);
            if (Interlocked.CompareExchange(ref _lastAt, next, last) == last) return next;
        }
    }

    /// <summary>What of a node's <c>/status</c> is of interest here.</summary>
    private sealed record NodeStatus(bool Ready, bool Draining, double RequestsPerSecond, int InFlight, double QuietSeconds, double Load);
}
