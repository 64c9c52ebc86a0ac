using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Forwarder;

namespace GlobalCache.Tests.Node;

/// <summary>What goes wrong with one request.</summary>
internal enum S3Fault : byte
{
    None,

    /// <summary>500 before anything has happened.</summary>
    Error,

    /// <summary>503 SlowDown.</summary>
    SlowDown,

    /// <summary>403, which AWS also says for what is missing.</summary>
    Forbidden,

    /// <summary>409 ConditionalRequestConflict.</summary>
    Conflict,

    /// <summary>Half of the body, then the connection is gone.</summary>
    Cut,

    /// <summary>Half of the body, then nothing.</summary>
    Stalled,

    /// <summary>It is done, and nobody is told.</summary>
    LostAnswer,
}

/// <summary>
/// A proxy before a real S3 server that loses, cuts and refuses as it is told. As the bucket's policy does, it refuses writes that carry no
/// condition: a store that ever sent one would be told here.
/// </summary>
internal sealed class FaultingS3 : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpMessageInvoker _out = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None });

    private FaultingS3(WebApplication app) => _app = app;

    /// <summary>What becomes of the next request, by method and path.</summary>
    public Func<string, string, S3Fault> Choose { get; set; } = (_, _) => S3Fault.None;

    /// <summary>Every request: method, path, and whether it was a write without a condition.</summary>
    public ConcurrentQueue<(string Method, string Path, bool Unconditional)> Seen { get; } = new();

    /// <summary>Headers of the last write.</summary>
    public IReadOnlyDictionary<string, string> LastWrite { get; private set; } = new Dictionary<string, string>();

    public Uri Endpoint { get; private set; } = null!;

    public static async Task<FaultingS3> StartAsync(Uri server)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        builder.Services.AddHttpForwarder();
        WebApplication app = builder.Build();
        var proxy = new FaultingS3(app);
        IHttpForwarder forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        app.Run(context => proxy.PassAsync(context, forwarder, server.AbsoluteUri));
        await app.StartAsync();
        proxy.Endpoint = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return proxy;
    }

    /// <summary>The first so many requests of a method fail like this, the others pass.</summary>
    public void Fail(string method, S3Fault fault, int times = 1)
    {
        int left = times;
        Choose = (asked, _) => asked == method && Interlocked.Decrement(ref left) >= 0 ? fault : S3Fault.None;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _out.Dispose();
    }

    private async Task PassAsync(HttpContext context, IHttpForwarder forwarder, string server)
    {
        HttpRequest request = context.Request;
        bool write = request.Method == "PUT", unconditional = write && request.Headers.IfNoneMatch.Count == 0 && request.Headers.IfMatch.Count == 0;
        Seen.Enqueue((request.Method, request.Path, unconditional));
        if (write) LastWrite = request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        S3Fault fault = unconditional ? S3Fault.Forbidden : Choose(request.Method, request.Path);
        switch (fault)
        {
            case S3Fault.Error:
                await RefuseAsync(context, 500, "InternalError");
                return;
            case S3Fault.SlowDown:
                await RefuseAsync(context, 503, "SlowDown");
                return;
            case S3Fault.Forbidden:
                await RefuseAsync(context, 403, "AccessDenied");
                return;
            case S3Fault.Conflict:
                await RefuseAsync(context, 409, "ConditionalRequestConflict");
                return;
        }
        Stream body = context.Response.Body;
        if (fault is S3Fault.Cut or S3Fault.Stalled) context.Response.Body = new HalfBody(context, body, stalls: fault == S3Fault.Stalled);
        if (fault == S3Fault.LostAnswer) context.Response.Body = Stream.Null;
        await forwarder.SendAsync(context, server, _out, ForwarderRequestConfig.Empty, SameHost.Instance);
        if (fault == S3Fault.LostAnswer) context.Abort();
    }

    private static async Task RefuseAsync(HttpContext context, int status, string code)
    {
        await context.Request.Body.CopyToAsync(Stream.Null);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/xml";
        await context.Response.WriteAsync($"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>told to</Message></Error>");
    }

    /// <summary>The signature covers the host that was asked.</summary>
    private sealed class SameHost : HttpTransformer
    {
        public static SameHost Instance { get; } = new();

        public override async ValueTask TransformRequestAsync(HttpContext context, HttpRequestMessage proxied, string prefix, CancellationToken ct)
        {
            await base.TransformRequestAsync(context, proxied, prefix, ct);
            proxied.Headers.Host = context.Request.Host.Value;
        }
    }

    private sealed class HalfBody(HttpContext context, Stream inner, bool stalls) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer[..(buffer.Length / 2)], cancellationToken);
            await inner.FlushAsync(cancellationToken);
            if (stalls) await Task.Delay(Timeout.Infinite, context.RequestAborted);
            context.Abort();
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
