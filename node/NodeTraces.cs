using System.Diagnostics;

namespace GlobalCache.Node;

/// <summary>
/// What the node tells of its work where somebody listens (docs/OBSERVABILITY.md): <c>asset</c>, <c>claims</c>, <c>disputes</c> and <c>upload</c> with their
/// <c>gc.status</c>, and below them <c>store.get</c>, <c>store.peek</c> and <c>store.put</c>. No asset, client or address is ever named (SECURITY §7).
/// </summary>
internal static class NodeTraces
{
    /// <summary>Of the traces and of the meter.</summary>
    public const string Name = "GlobalCache.Node";

    public static readonly ActivitySource Source = new(Name);

    /// <summary>The same, traced from its beginning: what the web server itself is tracing is not its parent.</summary>
    public static RequestDelegate Of(string name, RequestDelegate handle) => context => Source.HasListeners() ? TracedAsync(name, handle, context) : handle(context);

    private static async Task TracedAsync(string name, RequestDelegate handle, HttpContext context)
    {
        Activity.Current = null;
        using Activity? trace = Source.StartActivity(name, ActivityKind.Server);
        await handle(context);
        trace?.SetTag("gc.status", context.Response.StatusCode);
    }
}
