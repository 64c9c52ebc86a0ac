using GlobalCache.Client.Caps;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using Log = GlobalCache.Client.Caps.Log;

namespace GlobalCache.Client.Edge;

/// <summary>
/// A region's seed: the viewer's array of names goes to the grid unchanged, for unknown names are feature flags; of the reply our five
/// capabilities get URLs of ours. The region is then asked, once, which grid it belongs to (PROTOCOL §3.1, §3.2).
/// </summary>
/// <param name="grid">The way out.</param>
/// <param name="limits">The waits.</param>
/// <param name="time">Measures them.</param>
/// <param name="log">Never told a URL.</param>
/// <param name="saved">Completes when what has come so far would outlive this process; tokens are not given out before.</param>
internal sealed class SeedProxy(HttpMessageInvoker grid, ClientLimits limits, TimeProvider time, ILogger log, Func<Task>? saved = null)
{
    /// <summary>Real ones have 2.5 KB.</summary>
    private const int MaxFeaturesBytes = 1 << 18;

    /// <param name="context">The viewer's request.</param>
    /// <param name="seed">A capability named <see cref="CapName.Seed"/>.</param>
    public async Task HandleAsync(HttpContext context, Cap seed)
    {
        if (await GridEdge.AskAsync(context, seed.Real, grid, "a seed", limits, log) is not { } reply) return;
        using (reply)
        {
            GridReply patched = Patch(reply, seed);
            if (saved is not null) await saved();
            await GridEdge.WriteAsync(context, patched);
        }
    }

    private GridReply Patch(GridReply reply, Cap seed)
    {
        if (reply.Status != StatusCodes.Status200OK || !GridEdge.MayPatch(reply, "a seed", limits, log)) return reply;
        if (SeedReply.Patch(reply.Body, (name, real) => seed.Session.MapCap(seed.Region, name, real)) is not { } patched)
        {
            Log.Unpatched(log, "a seed");
            return reply;
        }
        Uri? features = patched.SimulatorFeatures;
        _ = seed.Session.LearnGridAsync(seed, features is null ? null : stop => AskGridAsync(features, stop), time);
        return reply.With(patched.Body);
    }

    private async Task<string?> AskGridAsync(Uri features, CancellationToken stop)
    {
        var call = new GridCall(HttpMethod.Get, features, [], []);
        using GridReply reply = await call.SendAsync(grid, MaxFeaturesBytes, stop);
        return reply.Status == StatusCodes.Status200OK && reply.IsWhole ? SimulatorFeatures.ReadGridId(reply.Body) : null;
    }
}
