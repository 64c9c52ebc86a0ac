using System.Buffers;
using GlobalCache.Client.Assets;
using GlobalCache.Policy.Assets;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Edge;

/// <summary>What a viewer is told: the table of PROTOCOL §3.5.</summary>
internal static class AssetAnswer
{
    private const int CopyBytes = 64 << 10;

    private static readonly StringValues Bytes = "bytes", Private = "private";

    private static readonly StringValues Texture = AssetType.Texture.ContentType(), Sound = AssetType.Sound.ContentType(),
        Animation = AssetType.Animation.ContentType(), Mesh = AssetType.Mesh.ContentType();

    /// <summary>200 with everything or 206 with exactly the slice. The body follows.</summary>
    public static void Begin(HttpResponse response, AssetType type, in Slice slice)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentType = type switch
        {
            AssetType.Texture => Texture,
            AssetType.Sound => Sound,
            AssetType.Animation => Animation,
            _ => Mesh,
        };
        headers.ContentLength = slice.Bytes.Length;
        headers.AcceptRanges = Bytes;
        headers.CacheControl = Private;
        if (!slice.Partial) return;
        response.StatusCode = StatusCodes.Status206PartialContent;
        headers.ContentRange = $"bytes {slice.Bytes.Start}-{slice.Bytes.End - 1}/{slice.Total}";
    }

    /// <summary>A bare status, for one that another viewer's request has just been answered with.</summary>
    public static void Status(HttpResponse response, int status)
    {
        response.StatusCode = status;
        response.ContentLength = 0;
    }

    /// <summary>
    /// Trouble, ours or the grid's: 503 makes viewers try again, a 4xx would make the asset “missing” for good. Once the answer
    /// has begun, only a broken connection says so; a short 206 would be taken for the end of the file.
    /// </summary>
    public static void Trouble(HttpContext context, int retryAfterSeconds = 5)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        context.Response.Clear();
        // Viewers obey whole numbers from 1 to 29.
        context.Response.Headers.RetryAfter = Math.Clamp(retryAfterSeconds, 1, 29).ToString();
        Status(context.Response, StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>Streams an answer of the grid's through as it is, and disposes it. A read may take as long as <paramref name="stall"/>.</summary>
    public static async Task PassOnAsync(HttpContext context, HttpResponseMessage answer, TimeSpan stall, TimeProvider time)
    {
        using HttpResponseMessage owned = answer;
        AssetHeaders.PassOn(answer, context.Response);
        if (HttpMethods.IsHead(context.Request.Method)) return;

        using CancellationTokenSource late = new(stall, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, context.RequestAborted);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            Stream body = await answer.Content.ReadAsStreamAsync(stop.Token);
            while (true)
            {
                late.CancelAfter(stall);
                int read = await body.ReadAsync(buffer, stop.Token);
                if (read == 0) return;
                late.CancelAfter(Timeout.InfiniteTimeSpan);
                await context.Response.BodyWriter.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Trouble(context);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
