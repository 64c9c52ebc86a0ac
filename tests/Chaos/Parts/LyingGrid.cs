using GlobalCache.Chaos.World;
using GlobalCache.Client.Assets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Chaos.Parts;

/// <summary>What a hostile uploader's client takes for its asset host: every fourth asset is something else that would pass for it. So the client claims, disputes and sends lies.</summary>
internal sealed class LyingGrid
{
    public LyingGrid(Simulation world, Network network, Assets assets, string host, int liar)
    {
        var life = new Life(world, host, "10.200.0.9");
        network.Listen(host, new Server(life, async context =>
        {
            if (!AssetRequest.TryParse(context.Request.Path, context.Request.QueryString.Value, out AssetRequest asked)) return;
            var key = new AssetKey(Assets.Home, asked.Type, asked.Id);
            await Task.Delay(TimeSpan.FromMilliseconds(30), life.Clock, context.RequestAborted);
            if (assets.Of(key) is not { } truth) context.Response.StatusCode = StatusCodes.Status404NotFound;
            else await StandInGrid.SendAsync(context, asked.Id.ToString("N")[^1] % 4 == 0 ? Assets.Lie(key, liar) : truth, ByteRange.Parse(context.Request.Headers.Range));
        }));
    }
}
