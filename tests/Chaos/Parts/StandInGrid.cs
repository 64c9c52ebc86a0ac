using System.Globalization;
using GlobalCache.Chaos.World;
using GlobalCache.Client.Assets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Chaos.Parts;

/// <summary>
/// A virtual world's asset host: slow in its own way for each asset, sometimes out of order as a whole. How long it takes is known beforehand, so that it can be
/// said when a viewer would have had its answer without us.
/// </summary>
internal sealed class StandInGrid
{
    private readonly Assets _assets;
    private readonly string _world;
    private readonly Simulation _simulation;

    public StandInGrid(Simulation simulation, Network network, Assets assets, string world, string host)
    {
        (_simulation, _assets, _world) = (simulation, assets, world);
        Life = new Life(simulation, host, "10.200.0.1");
        network.Listen(host, new Server(Life, HandleAsync));
    }

    public Life Life { get; }

    /// <summary>It answers everything with 503.</summary>
    public bool IsOut { get; set; }

    /// <summary>When it last was, or is, out of order.</summary>
    public TimeSpan LastTrouble { get; set; } = TimeSpan.MinValue;

    public long Requests { get; private set; }

    /// <summary>How long it takes to answer, ways apart.</summary>
    public static TimeSpan TimeOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return TimeSpan.FromMilliseconds(20 + (bytes[15] * 7 % 400));
    }

    private async Task HandleAsync(HttpContext context)
    {
        Requests++;
        if (!AssetRequest.TryParse(context.Request.Path, context.Request.QueryString.Value, out AssetRequest asked))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        await Task.Delay(TimeOf(asked.Id), Life.Clock, context.RequestAborted);
        if (IsOut)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        byte[]? bytes = _assets.Of(new AssetKey(_world, asked.Type, asked.Id));
        if (bytes is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        await SendAsync(context, bytes, ByteRange.Parse(context.Request.Headers.Range));
    }

    /// <summary>200 with all of it, or 206 with the part that was asked for.</summary>
    internal static async Task SendAsync(HttpContext context, byte[] bytes, ByteRange range)
    {
        Slice slice = range.Of(bytes.Length);
        context.Response.ContentLength = slice.Bytes.Length;
        if (slice.Partial)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {slice.Bytes.Start}-{slice.Bytes.End - 1}/{bytes.Length}");
        }
        await context.Response.Body.WriteAsync(bytes.AsMemory((int)slice.Bytes.Start, (int)slice.Bytes.Length));
    }

    /// <summary>It is out of order for so long.</summary>
    public void Break(TimeSpan length)
    {
        IsOut = true;
        LastTrouble = _simulation.Now + length;
        _simulation.After(length, () => IsOut = false);
    }
}
