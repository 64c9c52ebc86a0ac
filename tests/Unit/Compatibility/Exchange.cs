using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GlobalCache.Tests.Compatibility;

/// <summary>
/// A request and its answer as text: first lines, the headers that matter, an empty line, the body; then <c>====</c> and the answer likewise. A body that is no text is in base64, and says so.
/// </summary>
internal sealed record Exchange(string Method, string Path, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body, int Status, IReadOnlyList<(string Name, string Value)> AnswerHeaders, byte[] AnswerBody)
{
    private const string Between = "\n====\n", Coded = "X-Body: base64\n";
    private static readonly string[] s_matter = ["Authorization", "Content-Type", "Cache-Control", "ETag", "Retry-After"];

    public string? Header(string name) => Headers.FirstOrDefault(h => h.Name == name).Value;

    public static Exchange Read(string file)
    {
        string[] parts = File.ReadAllText(file).Split(Between);
        (string first, var headers, byte[] body) = Part(parts[0]);
        (string status, var answerHeaders, byte[] answerBody) = Part(parts[1]);
        string[] words = first.Split(' ');
        return new Exchange(words[0], words[1], headers, body, int.Parse(status.Split(' ')[1]), answerHeaders, answerBody);
    }

    public string ToText() => Text($"{Method} {Path} HTTP/1.1", Headers, Body) + Between + Text($"HTTP/1.1 {Status}", AnswerHeaders, AnswerBody);

    /// <summary>What was asked of a server, and what it said.</summary>
    public static async Task<Exchange> OfAsync(HttpRequestMessage request, HttpResponseMessage answer)
    {
        byte[] asked = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(), said = await answer.Content.ReadAsByteArrayAsync();
        return new Exchange(request.Method.Method, request.RequestUri!.PathAndQuery, That(request.Headers, request.Content?.Headers), asked, (int)answer.StatusCode, That(answer.Headers, answer.Content.Headers), said);
    }

    /// <summary>The request once more; with <paramref name="body"/> in place of its own.</summary>
    public HttpRequestMessage Request(Uri server, byte[]? body = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(Method), new Uri(server, Path));
        if (Body.Length > 0) request.Content = new ByteArrayContent(body ?? Body);
        foreach ((string name, string value) in Headers)
            if (name == "Content-Type") request.Content!.Headers.TryAddWithoutValidation(name, value);
            else request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    /// <summary>The answer once more, as a later version might give it: with another header, and another field in its JSON.</summary>
    public HttpResponseMessage Later(byte[]? body = null)
    {
        body ??= AnswerBody;
        var answer = new HttpResponseMessage((HttpStatusCode)Status) { Content = new ByteArrayContent(IsJson(AnswerHeaders) ? More(body) : body) };
        foreach ((string name, string value) in AnswerHeaders.Append(("GC-Later", "1")))
            if (name == "Content-Type") answer.Content.Headers.TryAddWithoutValidation(name, value);
            else answer.Headers.TryAddWithoutValidation(name, value);
        return answer;
    }

    /// <summary>JSON with a field that nobody knows yet.</summary>
    public static byte[] More(byte[] json)
    {
        JsonObject whole = JsonNode.Parse(json)!.AsObject();
        whole["later"] = new JsonObject { ["a"] = new JsonArray(1) };
        return JsonSerializer.SerializeToUtf8Bytes(whole);
    }

    public static bool IsJson(IReadOnlyList<(string Name, string Value)> headers) => headers.Any(h => h.Name == "Content-Type" && h.Value.StartsWith("application/json", StringComparison.Ordinal));

    private static (string First, IReadOnlyList<(string, string)> Headers, byte[] Body) Part(string text)
    {
        int end = text.IndexOf("\n\n", StringComparison.Ordinal);
        string[] head = text[..end].Split('\n');
        var headers = head[1..].Select(l => (l[..l.IndexOf(':', StringComparison.Ordinal)], l[(l.IndexOf(':', StringComparison.Ordinal) + 2)..])).ToList();
        string body = text[(end + 2)..];
        return headers.Remove(("X-Body", "base64")) ? (head[0], headers, Convert.FromBase64String(body)) : (head[0], headers, Encoding.UTF8.GetBytes(body));
    }

    private static string Text(string first, IReadOnlyList<(string Name, string Value)> headers, byte[] body)
    {
        bool text = body.All(b => b is >= 0x20 and < 0x7f);
        return $"{first}\n{string.Concat(headers.Select(h => $"{h.Name}: {h.Value}\n"))}{(text ? "" : Coded)}\n{(text ? Encoding.ASCII.GetString(body) : Convert.ToBase64String(body))}";
    }

    private static List<(string, string)> That(HttpHeaders headers, HttpContentHeaders? more) =>
    [
        .. headers.Concat(more is null ? [] : more.AsEnumerable()).Where(h => s_matter.Contains(h.Key) || h.Key.StartsWith("GC-", StringComparison.Ordinal))
            .Select(h => (h.Key, string.Join(", ", h.Value))).OrderBy(h => h.Key, StringComparer.Ordinal),
    ];
}

/// <summary>Stands between two programs: what goes through, by whoever answers.</summary>
internal sealed class Between(Func<HttpRequestMessage, Task<HttpResponseMessage>> answer) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => answer(request);
}
