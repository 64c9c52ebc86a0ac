using System.Text.Json;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Fleet;

/// <summary>The master's word, on the private listener: what the node is to do, and what an asset's object is called. Signed with the report key, of this minute, and for this node.</summary>
internal sealed class OrderEndpoints(FleetOptions options, NodeSecrets secrets, Orders orders, Traffic traffic, TimeProvider time, ILogger log)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 4 };

    /// <summary>Adds the two routes.</summary>
    public void Map(IEndpointRouteBuilder owners)
    {
        owners.MapPost(FleetApi.Orders, TakeAsync);
        owners.MapPost(FleetApi.Names, NameAsync);
    }

    private async Task TakeAsync(HttpContext context)
    {
        bool IsOurs(NodeOrder o) => o.Node == options.Id && o.Epoch >= 1 && Enum.IsDefined(o.Word) && IsNow(o.At);
        if (await SignedBody.ReadAsync<NodeOrder>(context, secrets.Report, s_json) is not { } order || !IsOurs(order))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        bool before = orders.IsDraining;
        bool taken = orders.TryTake(order, traffic.InFlight);
        if (taken && (before != orders.IsDraining || order.Word == NodeWord.Retire)) log.Ordered(order.Word, order.Epoch);
        context.Response.StatusCode = taken ? StatusCodes.Status204NoContent : StatusCodes.Status409Conflict;
    }

    private async Task NameAsync(HttpContext context)
    {
        if (await SignedBody.ReadAsync<AssetNameRequest>(context, secrets.Report, s_json) is not { Grid: { Length: > 0 and <= 253 } grid } asked
            || !IsNow(asked.At) || !AssetTypes.TryParseName(asked.Type, out AssetType type))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        await context.Response.WriteAsJsonAsync(new AssetName { Name = secrets.Keys.NameOf(new AssetKey(grid, type, asked.Id)) }, s_json, context.RequestAborted);
    }

    private bool IsNow(long at) => Math.Abs(time.GetUtcNow().ToUnixTimeMilliseconds() - at) <= FleetApi.SkewSeconds * 1000L;
}
