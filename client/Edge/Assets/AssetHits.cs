using System.Buffers;
using System.IO.Pipelines;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Answers from the local store. The first read decides: until its bytes are good, nothing is sent, so that a damaged or slow
/// entry is simply a miss.
/// </summary>
internal static class AssetHits
{
    // All of nearly every asset, so that one write and one packet train answers it; bounds what a hundred viewers' hits hold.
    private const int ReadBytes = 1 << 20;

    /// <returns>How many of the slice's bytes were sent: all, none (nothing was sent at all), or some, when a later read failed.</returns>
    public static async ValueTask<long> SendAsync(HttpContext context, StoredAsset asset, AssetType type, Slice slice)
    {
        int length = (int)slice.Bytes.Length, sent = 0;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(length, ReadBytes));
        try
        {
            while (sent < length)
            {
                Memory<byte> part = buffer.AsMemory(0, Math.Min(length - sent, ReadBytes));
                if (!await asset.ReadAsync((int)slice.Bytes.Start + sent, part, default)) return sent;
                if (sent == 0) AssetAnswer.Begin(context.Response, type, slice);
                FlushResult flushed = await context.Response.BodyWriter.WriteAsync(part);
                sent += part.Length;
                if (flushed.IsCompleted) return length; // The viewer has gone: as good as all.
            }
            return sent;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
