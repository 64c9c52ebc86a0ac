using System.Net.Mime;
using System.Text;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;
using Scalar.AspNetCore;

namespace GlobalCache.Master.Dashboard;

/// <summary>The dashboard over HTTP, on the public listener with the admin session alone: the page, its files, its live sections, and the same state for machines.</summary>
internal sealed class DashboardEndpoints(DashboardSource source, AdminGuard guard)
{
    // Whoever has not taken an event by then is gone.
    private static readonly TimeSpan s_slow = TimeSpan.FromSeconds(10);

    private static readonly (string Path, string Type)[] s_files = [("/dashboard.css", "text/css; charset=utf-8"), ("/dashboard.js", "text/javascript; charset=utf-8"), ("/icon.svg", "image/svg+xml")];

    /// <summary>Adds the routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder owners = routes.MapGroup("").WithMetadata(new Operators());
        foreach ((string path, string type) in s_files) owners.MapGet(path, FileOf(path, type));
        guard.Map(owners);
        RouteGroupBuilder view = owners.MapGroup("").WithMetadata(new InsideOrAdmin());
        view.MapGet("/", (RequestDelegate)ShowAsync);
        view.MapGet("/live", (RequestDelegate)(context => ReadAlongAsync(context, Changes())));
        view.MapGet(MasterApi.Events, (RequestDelegate)(context => ReadAlongAsync(context, frame => Event("state", Encoding.UTF8.GetString(frame.Json)))));
        view.MapGet(MasterApi.State, (RequestDelegate)StateAsync);
        ((IEndpointConventionBuilder)owners).Add(MasterCalls.Table.Describe);
        view.MapOpenApi();
        // Nothing is asked of another server, not even for letters.
        view.MapScalarApiReference("/scalar", page => page.WithTitle("GlobalCache master").DisableDefaultFonts());
        view.MapGet("/metrics", (RequestDelegate)(context => TextAsync(context, Figures.Of(source.Current), "text/plain; version=0.0.4")));
    }

    /// <summary>What the browser is told of every answer.</summary>
    public static void Guard(HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = Page.ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    private static RequestDelegate FileOf(string path, string type)
    {
        using Stream file = typeof(DashboardEndpoints).Assembly.GetManifestResourceStream(path[1..])!;
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return context =>
        {
            Guard(context.Response);
            context.Response.ContentType = type;
            return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
        };
    }

    private Task ShowAsync(HttpContext context)
    {
        MasterState state = source.Current;
        string? token = guard.SessionOf(context) is { } session ? AdminSession.TokenOf(session) : null;
        return TextAsync(context, Page.Of(state, Parts.Of(state, source.Day), token, guard.CanSignIn), "text/html; charset=utf-8");
    }

    private Task StateAsync(HttpContext context)
    {
        Guard(context.Response);
        return context.Response.WriteAsJsonAsync(source.Current, MasterJson.Default.MasterState, cancellationToken: context.RequestAborted);
    }

    private static Task TextAsync(HttpContext context, string text, string type)
    {
        Guard(context.Response);
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private async Task ReadAlongAsync(HttpContext context, Func<Frame, string> write)
    {
        using DashboardSource.Reader? reader = source.TryRead();
        Guard(context.Response);
        if (reader is null)
        {
            context.Response.Headers.RetryAfter = "10";
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        context.Response.ContentType = MediaTypeNames.Text.EventStream;
        CancellationToken stopping = context.RequestServices.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? default;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            while (true)
            {
                string text = write(await reader.NextAsync(ended.Token));
                using var slow = new CancellationTokenSource(s_slow, source.Time);
                using var within = CancellationTokenSource.CreateLinkedTokenSource(ended.Token, slow.Token);
                await context.Response.WriteAsync(text, within.Token);
                await context.Response.Body.FlushAsync(within.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Gone, too slow, or the master ends: in a stream of events nobody waits for its end.
            if (!stopping.IsCancellationRequested) context.Abort();
        }
    }

    // The sections that differ from those this reader was sent last.
    private static Func<Frame, string> Changes()
    {
        Dictionary<string, string> sent = [];
        return frame =>
        {
            var events = new StringBuilder();
            foreach (Part part in frame.Parts)
            {
                if (sent.TryGetValue(part.Id, out string? before) && before == part.Html) continue;
                sent[part.Id] = part.Html;
                events.Append(Event(part.Id, part.Html));
            }

            return events.ToString();
        };
    }

    private static string Event(string name, string data) => $"event: {name}\ndata: {data}\n\n";
}

/// <summary>As the composition adds it.</summary>
internal static class DashboardRoutes
{
    /// <summary>Adds the routes; <see cref="UseAdminGuard"/> has to come before them, and <see cref="MasterCalls"/>' table among the services.</summary>
    public static void MapDashboard(this IEndpointRouteBuilder routes, DashboardSource source, AdminGuard guard) => new DashboardEndpoints(source, guard).Map(routes);

    /// <summary>Refuses what is not allowed; to be put after <c>UseRouting</c> and <see cref="Listeners.SeparateAsync"/>.</summary>
    public static void UseAdminGuard(this IApplicationBuilder app, AdminGuard guard) => app.Use(next => context => guard.CheckAsync(context, next));
}
