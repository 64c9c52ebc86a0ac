using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>Marks an endpoint of the operator's: on both listeners, and <see cref="AdminGuard"/> judges who is let in by which.</summary>
internal sealed class Operators : OnBoth;

/// <summary>Marks an endpoint that needs the admin session, and with it the session's token unless it is a <c>GET</c>.</summary>
internal sealed class AdminOnly;

/// <summary>Marks an endpoint that anybody inside the private network may read; whoever comes by the public listener, or from outside, needs the admin session.</summary>
internal sealed class InsideOrAdmin;

/// <summary>The admin session over HTTP: its cookie, the two calls that begin and end it, and what is let through to the operator's other calls, by either listener (SECURITY §3).</summary>
internal sealed class AdminGuard(AdminSession sessions, TimeProvider time)
{
    // A browser takes the name with the prefix only over https, for this host alone.
    private const string ClearCookie = "gc-admin", TlsCookie = "__Host-gc-admin";
    private const int MostBytes = 2048;

    /// <summary>There is an admin code.</summary>
    public bool CanSignIn => sessions.CanSignIn;

    /// <summary>The session of a request's sender; null: none that holds.</summary>
    public string? SessionOf(HttpContext context) =>
        context.Request.Cookies[CookieOf(context)] is { } session && sessions.Knows(session, time.GetUtcNow()) ? session : null;

    /// <summary>To be run after the routing: refuses what the endpoint's marks do not allow.</summary>
    public Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        EndpointMetadataCollection? marks = context.GetEndpoint()?.Metadata;
        if (marks is null || (marks.GetMetadata<OwnersOnly>() ?? (object?)marks.GetMetadata<Operators>()) is null) return next(context);
        int refusal = RefusalOf(context, marks);
        if (refusal == StatusCodes.Status200OK) return next(context);
        context.Response.StatusCode = refusal;
        return refusal == StatusCodes.Status401Unauthorized && context.Request.Path == "/" ? ShowDoorAsync(context) : Task.CompletedTask;
    }

    /// <summary>The two calls.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(MasterApi.AdminSession, (RequestDelegate)SignInAsync);
        routes.MapDelete(MasterApi.AdminSession, (RequestDelegate)SignOutAsync).WithMetadata(new AdminOnly());
    }

    private int RefusalOf(HttpContext context, EndpointMetadataCollection marks)
    {
        HttpRequest request = context.Request;
        bool isPrivate = Listeners.IsPrivate(context);
        // A name that a web page has made to point here is not ours (SECURITY §6). In TLS the certificate sees to that.
        if (isPrivate && !IsOwnName(request.Host.Host)) return StatusCodes.Status421MisdirectedRequest;
        bool isRead = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        bool isForeign = request.Headers.Origin is [{ } origin] && origin != $"{request.Scheme}://{request.Host}";
        if (marks.GetMetadata<AdminOnly>() is null && (marks.GetMetadata<InsideOrAdmin>() is null || (isPrivate && IsInside(context.Connection.RemoteIpAddress))))
            return isForeign && !isRead ? StatusCodes.Status403Forbidden : StatusCodes.Status200OK;
        if (SessionOf(context) is not { } session) return StatusCodes.Status401Unauthorized;
        return isRead || (!isForeign && AdminSession.IsTokenOf(session, request.Headers[MasterApi.TokenHeader])) ? StatusCodes.Status200OK : StatusCodes.Status403Forbidden;
    }

    private Task ShowDoorAsync(HttpContext context)
    {
        DashboardEndpoints.Guard(context.Response);
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(Page.Door(CanSignIn), context.RequestAborted);
    }

    private async Task SignInAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        SignInAnswer answer = sessions.SignIn(await ReadCodeAsync(context) ?? "", context.Connection.RemoteIpAddress, time.GetUtcNow());
        if (answer.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds)}";
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }

        if (answer.Session is not { } session)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        context.Response.Cookies.Append(CookieOf(context), session, Cookie(context));
        await context.Response.WriteAsJsonAsync(new AdminWelcome { Token = AdminSession.TokenOf(session) }, MasterJson.Default.AdminWelcome, cancellationToken: context.RequestAborted);
    }

    private Task SignOutAsync(HttpContext context)
    {
        if (SessionOf(context) is { } session) sessions.SignOut(session);
        context.Response.Cookies.Delete(CookieOf(context), Cookie(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static async Task<string?> ReadCodeAsync(HttpContext context)
    {
        byte[] body = new byte[MostBytes + 1];
        try
        {
            int length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
            return length > MostBytes ? null : JsonSerializer.Deserialize(body.AsSpan(0, length), MasterJson.Default.AdminSignIn)?.Code;
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException)
        {
            return null;
        }
    }

    private static string CookieOf(HttpContext context) => context.Request.IsHttps ? TlsCookie : ClearCookie;

    private static CookieOptions Cookie(HttpContext context) => new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, Path = "/" };

    private static bool IsOwnName(string host) => host is "localhost" || IPAddress.TryParse(host, out _);

    // Loopback, and what no router passes on: RFC 1918, unique local and link-local addresses.
    private static bool IsInside(IPAddress? peer)
    {
        if (peer is null) return false;
        if (peer.IsIPv4MappedToIPv6) peer = peer.MapToIPv4();
        if (IPAddress.IsLoopback(peer)) return true;
        if (peer.AddressFamily == AddressFamily.InterNetworkV6) return peer.IsIPv6UniqueLocal || peer.IsIPv6LinkLocal;
        return peer.GetAddressBytes() is [10, ..] or [172, >= 16 and < 32, ..] or [192, 168, ..] or [169, 254, ..];
    }
}
