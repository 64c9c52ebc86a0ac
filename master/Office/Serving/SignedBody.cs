using System.Buffers;
using System.Text.Json;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Serving;

/// <summary>A body that one of the fleet has signed (<see cref="FleetSignature"/>).</summary>
internal static class SignedBody
{
    /// <summary>What was said; null: too long, not signed with this key for this path, or not what it should be.</summary>
    public static async Task<T?> ReadAsync<T>(HttpContext context, byte[] key, JsonSerializerOptions json)
        where T : class
    {
        // A master of hundreds of nodes reads hundreds a second.
        byte[] body = ArrayPool<byte>.Shared.Rent(FleetApi.MaxBytes + 1);
        try
        {
            int length = await context.Request.Body.ReadAtLeastAsync(body.AsMemory(0, FleetApi.MaxBytes + 1), FleetApi.MaxBytes + 1, throwOnEndOfStream: false, context.RequestAborted);
            return length > FleetApi.MaxBytes || !FleetSignature.IsGood(key, context.Request.Path, body.AsSpan(0, length), context.Request.Headers[FleetApi.SignatureHeader])
                ? null : JsonSerializer.Deserialize<T>(body.AsSpan(0, length), json);
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }
}
