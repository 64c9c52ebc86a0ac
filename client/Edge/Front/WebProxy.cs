using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace GlobalCache.Client.Edge;

/// <summary>Answers an asset request out of the store, or from <paramref name="origin"/> joined with <paramref name="remainder"/> and the query.</summary>
internal delegate Task ServeAsset(HttpContext context, Uri origin, string remainder);

/// <summary>
/// The viewer's HTTP proxy for plain http (RFC 9110 §7.6): GETs of the asset hosts are answered from the store, everything else is
/// passed on. A request that has been here before, as our own Via says, is refused, and so is what <see cref="Reach"/> does not allow.
/// </summary>
internal sealed class WebProxy(IHttpForwarder forwarder, HttpMessageInvoker web, IReadOnlyCollection<string> assetHosts, ServeAsset serve)
{
    /// <summary>How we sign. New in every process, so that two of us may stand in one chain.</summary>
    private static readonly string s_via = $"1.1 globalcache-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";

    private static readonly ForwarderRequestConfig s_config = new()
    {
        ActivityTimeout = TimeSpan.FromMinutes(10),
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private readonly HashSet<string> _assetHosts = new(assetHosts, StringComparer.OrdinalIgnoreCase);

    public Task HandleAsync(HttpContext context)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!Uri.TryCreate(target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }, out Uri? uri) || uri.Host.Length == 0)
            return StatusAsync(context, StatusCodes.Status400BadRequest);
        return HandleAsync(context, uri, web);
    }

    /// <summary>Serves or passes on a request for <paramref name="target"/>.</summary>
    public Task HandleAsync(HttpContext context, Uri target, HttpMessageInvoker through)
    {
        if (HasPassed(context.Request.Headers)) return StatusAsync(context, StatusCodes.Status508LoopDetected);
        if (!_assetHosts.Contains(Authority(target)) || !IsRead(context.Request.Method)) return ForwardAsync(context, target, through);
        LoopbackGuard.Protect(context.Response);
        if (LoopbackGuard.ComesFromPage(context.Request.Headers)) return StatusAsync(context, StatusCodes.Status404NotFound);
        return serve(context, new Uri(target.GetLeftPart(UriPartial.Authority)), target.AbsolutePath);
    }

    /// <summary>Host, and the port where it is not the scheme's own: how asset hosts are told apart.</summary>
    public static string Authority(Uri uri) => uri.IsDefaultPort ? uri.IdnHost : $"{uri.IdnHost}:{uri.Port}";

    private static bool IsRead(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method);

    private static bool HasPassed(IHeaderDictionary headers) =>
        headers.Via.Any(via => via?.Contains(s_via, StringComparison.OrdinalIgnoreCase) == true);

    private async Task ForwardAsync(HttpContext context, Uri target, HttpMessageInvoker through)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        await forwarder.SendAsync(context, target.GetLeftPart(UriPartial.Authority), through, s_config, new Passing(target));
    }

    private static Task StatusAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    /// <summary>The request as it came, for the very URL it named, signed.</summary>
    private sealed class Passing(Uri target) : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.RequestUri = target;
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.Remove("Proxy-Connection");
            StringValues via = httpContext.Request.Headers.Via;
            proxyRequest.Headers.Remove("Via");
            proxyRequest.Headers.TryAddWithoutValidation("Via", StringValues.IsNullOrEmpty(via) ? s_via : $"{via}, {s_via}");
        }
    }
}
