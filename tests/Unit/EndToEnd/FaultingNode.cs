using System.Net;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Node;
using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>How a node fails its clients.</summary>
public enum NodeFault
{
    None,

    /// <summary>The process is gone: connections are refused.</summary>
    Killed,

    /// <summary>It takes connections and requests, and says nothing.</summary>
    Hung,

    /// <summary>Every answer takes ten seconds.</summary>
    Slow,

    /// <summary>503 to everything.</summary>
    Full,

    /// <summary>500 to everything.</summary>
    Broken,

    /// <summary>One bit of every asset is another.</summary>
    WrongBytes,

    /// <summary>Another asset's key.</summary>
    WrongKey,

    /// <summary>Half of the asset as if it were all of it.</summary>
    Truncated,

    /// <summary>Content-Length is longer than the body, which ends with the connection.</summary>
    WrongLength,

    /// <summary>Another asset, whole and with its own key.</summary>
    OtherAsset,

    /// <summary>A certificate of another authority.</summary>
    ForeignCertificate,
}

/// <summary>A real node with something before it that makes it fail as a test wants. It has the node's own certificate, so that clients cannot tell.</summary>
internal sealed class FaultingNode : IAsyncDisposable
{
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(10);

    private readonly NodeApp _node;
    private readonly HttpClient _http;
    private readonly X509Certificate2? _foreign;
    private WebApplication? _app;
    private (byte[] Bytes, string Key)? _other;
    private long _assets;

    private FaultingNode(NodeApp node, X509Certificate2? foreign)
    {
        (_node, _foreign) = (node, foreign);
#pragma warning disable CA5359 // The node behind it is known.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
#pragma warning restore CA5359
    }

    public int Port { get; private set; }

    public NodeFault Fault { get; private set; }

    /// <summary>Before every answer about an asset.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Requests for assets that have come.</summary>
    public long AssetRequests => Interlocked.Read(ref _assets);

    /// <param name="node">What stands behind it.</param>
    /// <param name="foreign">For <see cref="NodeFault.ForeignCertificate"/>.</param>
    public static async Task<FaultingNode> StartAsync(NodeApp node, X509Certificate2? foreign = null)
    {
        var faulting = new FaultingNode(node, foreign);
        await faulting.ListenAsync();
        return faulting;
    }

    /// <summary>From now on it fails like this.</summary>
    public async Task SetAsync(NodeFault fault)
    {
        bool anew = fault is NodeFault.Killed or NodeFault.ForeignCertificate || Fault is NodeFault.Killed or NodeFault.ForeignCertificate;
        Fault = fault;
        if (!anew) return;
        await StopAsync();
        if (fault != NodeFault.Killed) await ListenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
    }

    private async Task ListenAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, Port, listen => listen.UseHttps(
            Fault == NodeFault.ForeignCertificate ? _foreign! : _node.Grid.NodeCertificate(TimeProvider.System.GetUtcNow()))));
        _app = builder.Build();
        _app.Run(PassAsync);
        await _app.StartAsync();
        Port = new Uri(_app.Urls.Single()).Port;
    }

    private async Task StopAsync()
    {
        if (_app is null) return;
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _app = null;
    }

    private async Task PassAsync(HttpContext context)
    {
        bool asset = context.Request.Path.StartsWithSegments("/v1/assets", StringComparison.Ordinal) && HttpMethods.IsGet(context.Request.Method);
        if (asset) Interlocked.Increment(ref _assets);
        switch (Fault)
        {
            case NodeFault.Hung:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
            case NodeFault.Slow:
                await Task.Delay(s_slow, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case NodeFault.Full or NodeFault.Broken:
                context.Response.StatusCode = Fault == NodeFault.Full ? 503 : 500;
                return;
        }
        if (asset && Delay > TimeSpan.Zero) await Task.Delay(Delay, context.RequestAborted);
        using HttpResponseMessage answer = await _http.SendAsync(await RequestAsync(context), context.RequestAborted);
        byte[] bytes = await answer.Content.ReadAsByteArrayAsync(context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (string name in new[] { NodeApi.AssetKeyHeader, NodeApi.DrainingHeader, "Retry-After" })
        {
            if (answer.Headers.TryGetValues(name, out IEnumerable<string>? values)) context.Response.Headers[name] = values.ToArray();
        }
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        if (asset && answer.StatusCode == HttpStatusCode.OK) bytes = Spoil(context, bytes);
        if (!(asset && Fault == NodeFault.WrongLength)) context.Response.ContentLength = answer.StatusCode == HttpStatusCode.NoContent ? null : bytes.Length;
        if (bytes.Length > 0) await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        if (asset && Fault == NodeFault.WrongLength) context.Abort();
    }

    private byte[] Spoil(HttpContext context, byte[] bytes)
    {
        IHeaderDictionary headers = context.Response.Headers;
        string key = headers[NodeApi.AssetKeyHeader]!;
        _other ??= (bytes, key);
        switch (Fault)
        {
            case NodeFault.WrongBytes:
                bytes[bytes.Length / 2] ^= 1;
                break;
            case NodeFault.WrongKey:
                headers[NodeApi.AssetKeyHeader] = (key[0] == 'A' ? 'B' : 'A') + key[1..];
                break;
            case NodeFault.OtherAsset:
                headers[NodeApi.AssetKeyHeader] = _other.Value.Key;
                return _other.Value.Bytes;
            case NodeFault.Truncated:
                return bytes[..(bytes.Length / 2)];
            case NodeFault.WrongLength:
                context.Response.ContentLength = bytes.Length + 1000;
                break;
        }
        return bytes;
    }

    private async Task<HttpRequestMessage> RequestAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var request = new HttpRequestMessage(HttpMethod.Parse(context.Request.Method), new Uri($"https://127.0.0.1:{_node.Endpoint.Port}{context.Request.Path}"));
        if (body.Length > 0) request.Content = new ByteArrayContent(body.ToArray());
        if (context.Request.ContentType is { } type) request.Content!.Headers.TryAddWithoutValidation("Content-Type", type);
        foreach (string name in new[] { "Authorization", NodeApi.SignatureHeader })
        {
            if (context.Request.Headers.TryGetValue(name, out Microsoft.Extensions.Primitives.StringValues values)) request.Headers.TryAddWithoutValidation(name, values.ToArray());
        }
        return request;
    }
}
