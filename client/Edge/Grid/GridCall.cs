using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Edge;

/// <summary>
/// A viewer's request as the grid gets it, and may get it again: the same body byte for byte, the same headers but those that belong to
/// one connection or would let the grid compress what we read (PROTOCOL §3.1). It outlives the viewer's own request.
/// </summary>
internal sealed record GridCall(HttpMethod Method, Uri Target, IReadOnlyList<KeyValuePair<string, StringValues>> Headers, byte[] Body)
{
    /// <summary>Largest request read: a login is 5 KB, a seed request 4.</summary>
    public const int MaxBodyBytes = 1 << 20;

    /// <summary>OpenSim answers 404 to anything else, even with a charset behind it.</summary>
    private const string LlsdXml = "application/llsd+xml";

    /// <summary>Reads the viewer's request for <paramref name="target"/>. Null when its body is larger than <see cref="MaxBodyBytes"/>.</summary>
    public static async Task<GridCall?> ReadAsync(HttpContext context, Uri target)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength > MaxBodyBytes) return null;
        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        byte[] piece = new byte[8192];
        for (int read; (read = await request.Body.ReadAsync(piece, context.RequestAborted)) > 0;)
        {
            if (body.Length + read > MaxBodyBytes) return null;
            body.Write(piece, 0, read);
        }
        return new GridCall(new HttpMethod(request.Method), target, HeaderCopy.Forward(request.Headers), body.ToArray());
    }

    /// <summary>Sends it once and reads the answer. Throws what the invoker and the connection throw.</summary>
    public async Task<GridReply> SendAsync(HttpMessageInvoker grid, int maxReplyBytes, CancellationToken ct)
    {
        using var message = new HttpRequestMessage(Method, Target);
        if (Body.Length > 0 || Method == HttpMethod.Post || Method == HttpMethod.Put) message.Content = new ByteArrayContent(Body);
        foreach ((string name, StringValues values) in Headers)
        {
            if (!name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase))
                message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            else if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase) && IsLlsdXml(values))
                message.Content?.Headers.TryAddWithoutValidation(name, LlsdXml);
            else
                message.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        return await GridReply.ReadAsync(await grid.SendAsync(message, ct), maxReplyBytes, ct);
    }

    private static bool IsLlsdXml(string? value) =>
        MediaTypeHeaderValue.TryParse(value, out MediaTypeHeaderValue? type)
        && string.Equals(type.MediaType, LlsdXml, StringComparison.OrdinalIgnoreCase);
}

/// <summary>
/// Which headers pass: all but those that speak of one connection, of the body's length, which is set anew, or of another origin than ours:
/// a viewer that kept a grid's cookie would be refused here for showing it (SECURITY §6).
/// </summary>
internal static class HeaderCopy
{
    private static readonly HashSet<string> Ours = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Content-Length", "Host", "Accept-Encoding", "Expect", "Alt-Svc",
        "Set-Cookie", "Strict-Transport-Security", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
    };

    /// <summary>The headers of <paramref name="headers"/> that go on, without those its own Connection header names.</summary>
    public static List<KeyValuePair<string, StringValues>> Forward(IEnumerable<KeyValuePair<string, StringValues>> headers)
    {
        var named = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var kept = new List<KeyValuePair<string, StringValues>>();
        foreach ((string name, StringValues values) in headers)
        {
            if (name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
                named.UnionWith(values.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
            else if (!Ours.Contains(name) && values.All(IsPlain))
                kept.Add(new(name, values));
        }
        kept.RemoveAll(h => named.Contains(h.Key));
        return kept;
    }

    /// <summary>Neither Kestrel nor HttpClient sends anything else: one odd header must not cost the whole answer.</summary>
    private static bool IsPlain(string? value) => value is null || value.All(c => c is '\t' or (>= ' ' and <= '~'));
}
