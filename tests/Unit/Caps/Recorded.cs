using System.Text;
using System.Text.Json;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Caps;

/// <summary>The HTTP exchanges of the recorded traffic whose bodies were kept whole.</summary>
internal static class Recorded
{
    internal sealed record Exchange(string File, string Line, string Request, int Status, string Reply)
    {
        public byte[] Body => Encoding.UTF8.GetBytes(Reply);
    }

    public static IReadOnlyList<Exchange> All { get; } = [.. Read()];

    public static IEnumerable<Exchange> Logins => All.Where(e => e.Reply.Contains("<methodResponse>", StringComparison.Ordinal));

    public static IEnumerable<Exchange> Seeds => All.Where(e => e.Line.StartsWith("POST /CAPS/", StringComparison.Ordinal));

    public static IEnumerable<Exchange> Events =>
        All.Where(e => e.Line.StartsWith("POST /CE/", StringComparison.Ordinal) && e.Status == 200);

    public static IEnumerable<Exchange> Features => All.Where(e => e.Reply.Contains("OpenSimExtras", StringComparison.Ordinal));

    private static IEnumerable<Exchange> Read()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "tests", "Vectors"), "*.http.jsonl").Order(StringComparer.Ordinal))
        {
            foreach (string line in File.ReadLines(file))
            {
                using JsonDocument json = JsonDocument.Parse(line);
                JsonElement root = json.RootElement, request = root.GetProperty("req");
                if (!root.TryGetProperty("resp", out JsonElement response) || response.ValueKind != JsonValueKind.Object) continue;
                if (!response.TryGetProperty("text", out JsonElement text)) continue;
                yield return new Exchange(Path.GetFileName(file), request.GetProperty("line").GetString()!,
                    request.TryGetProperty("text", out JsonElement sent) ? sent.GetString()! : "",
                    int.Parse(response.GetProperty("line").GetString()!.Split(' ')[1]), text.GetString()!);
            }
        }
    }
}
