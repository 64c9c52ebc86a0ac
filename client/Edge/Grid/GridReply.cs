using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Edge;

/// <summary>
/// The grid's answer, held in memory so that it can be patched and given out again. One that is too large for that keeps its unread rest
/// as a stream, which one taker may pass on; it must be disposed of then.
/// </summary>
internal sealed class GridReply : IDisposable
{
    private readonly long? _length;
    private Stream? _rest;

    public GridReply(int status, IReadOnlyList<KeyValuePair<string, StringValues>> headers, ReadOnlyMemory<byte> body,
        Stream? rest = null, long? length = null)
    {
        (Status, Headers, Body, _rest, _length) = (status, headers, body, rest, length);
        IsWhole = rest is null;
    }

    public int Status { get; }

    public IReadOnlyList<KeyValuePair<string, StringValues>> Headers { get; }

    /// <summary>The body, or as much of it as was read.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The whole body is in <see cref="Body"/>, as the grid meant it: it may be patched.</summary>
    public bool IsWhole { get; }

    /// <summary>Something in front of the body we did not ask for; then its bytes are not the document's.</summary>
    public bool IsEncoded => Headers.Any(h => h.Key.Equals("Content-Encoding", StringComparison.OrdinalIgnoreCase)
        && !h.Value.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase));

    /// <summary>The same answer around another body.</summary>
    public GridReply With(ReadOnlyMemory<byte> body) => new(Status, Headers, body);

    /// <summary>An answer of our own.</summary>
    public static GridReply Own(int status, params KeyValuePair<string, StringValues>[] headers) => new(status, headers, default);

    /// <summary>Reads a body of up to <paramref name="maxBytes"/>. Throws what the connection throws when it breaks off.</summary>
    public static async Task<GridReply> ReadAsync(HttpResponseMessage response, int maxBytes, CancellationToken ct)
    {
        var headers = HeaderCopy.Forward(response.Headers.NonValidated.Select(Pair).Concat(response.Content.Headers.NonValidated.Select(Pair)));
        int status = (int)response.StatusCode;
        long? length = response.Content.Headers.ContentLength;
        Stream? stream = null;
        try
        {
            stream = await response.Content.ReadAsStreamAsync(ct);
            if (length > maxBytes) return new GridReply(status, headers, default, stream, length);
            byte[] body = new byte[length ?? 16384];
            int filled = 0;
            while (true)
            {
                if (filled == body.Length)
                {
                    if (filled == length) break;
                    if (filled > maxBytes) return new GridReply(status, headers, body, stream);
                    Array.Resize(ref body, Math.Min(2 * body.Length, maxBytes + 1));
                }
                int read = await stream.ReadAsync(body.AsMemory(filled), ct);
                if (read == 0) break;
                filled += read;
            }
            await stream.DisposeAsync();
            return new GridReply(status, headers, body.AsMemory(0, filled));
        }
        catch
        {
            if (stream is not null) await stream.DisposeAsync();
            response.Dispose();
            throw;
        }
    }

    /// <summary>Answers the viewer. False when the unread rest has gone to somebody else.</summary>
    public async Task<bool> TryWriteAsync(HttpContext context)
    {
        Stream? rest = IsWhole ? null : Interlocked.Exchange(ref _rest, null);
        if (!IsWhole && rest is null) return false;
        HttpResponse to = context.Response;
        to.StatusCode = Status;
        foreach ((string name, StringValues values) in Headers) to.Headers[name] = values;
        bool bodiless = Status is 204 or 304 || HttpMethods.IsHead(context.Request.Method);
        if (rest is null)
        {
            if (!bodiless) to.ContentLength = Body.Length;
            if (!bodiless && !Body.IsEmpty) await to.Body.WriteAsync(Body, context.RequestAborted);
            return true;
        }
        await using (rest)
        {
            if (!bodiless) to.ContentLength = _length;
            await to.Body.WriteAsync(Body, context.RequestAborted);
            await rest.CopyToAsync(to.Body, context.RequestAborted);
        }
        return true;
    }

    public void Dispose() => Interlocked.Exchange(ref _rest, null)?.Dispose();

    private static KeyValuePair<string, StringValues> Pair(KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues> header) =>
        new(header.Key, header.Value.ToArray());
}
