using System.Text.Json;
using System.Text.Json.Nodes;

namespace GlobalCache.Tests.Infra;

/// <summary>
/// The part of YAML that a stack's file is written in: maps, lists of words or maps, plain and double-quoted words, comments. Gives what the engine would hand over.
/// </summary>
internal static class StackFile
{
    /// <summary>Every setting with its value; structures as JSON.</summary>
    public static Dictionary<string, string> Read(string yaml)
    {
        var lines = new Queue<(int Indent, string Text)>(yaml.Split('\n').Select(l => l.TrimEnd())
            .Where(l => l.Trim() is { Length: > 0 } text && text[0] != '#').Select(l => (l.Length - l.TrimStart().Length, l.Trim())));
        JsonObject config = Assert.IsType<JsonObject>(Assert.IsType<JsonObject>(Block(lines, 0))["config"]);
        return config.ToDictionary(c => c.Key, c => c.Value is JsonValue value && value.GetValueKind() == JsonValueKind.String ? (string)value! : c.Value!.ToJsonString());
    }

    private static JsonNode Block(Queue<(int Indent, string Text)> lines, int indent)
    {
        if (lines.Peek().Text.StartsWith("- ", StringComparison.Ordinal)) return Items(lines, indent);
        var map = new JsonObject();
        while (lines.TryPeek(out (int Indent, string Text) line) && line.Indent == indent)
        {
            lines.Dequeue();
            // A name may have a colon in it; the one that ends it is followed by a space, or by nothing.
            int end = line.Text.IndexOf(": ", StringComparison.Ordinal);
            if (end < 0 && line.Text.EndsWith(':')) map[line.Text[..^1]] = Block(lines, lines.Peek().Indent);
            else map[line.Text[..end]] = Word(line.Text[(end + 2)..]);
        }

        return map;
    }

    private static JsonArray Items(Queue<(int Indent, string Text)> lines, int indent)
    {
        var list = new JsonArray();
        while (lines.TryPeek(out (int Indent, string Text) line) && line.Indent == indent && line.Text.StartsWith("- ", StringComparison.Ordinal))
        {
            lines.Dequeue();
            string first = line.Text[2..];
            if (!first.Contains(": ", StringComparison.Ordinal))
            {
                list.Add(Word(first));
                continue;
            }

            var item = new Queue<(int Indent, string Text)>([(indent + 2, first)]);
            while (lines.TryPeek(out (int Indent, string Text) next) && next.Indent > indent) item.Enqueue(lines.Dequeue());
            list.Add(Block(item, indent + 2));
        }

        return list;
    }

    private static JsonNode Word(string text) =>
        text[0] == '"' ? JsonValue.Create(text.Trim('"')) : int.TryParse(text, out int whole) ? JsonValue.Create(whole) : decimal.TryParse(text, out decimal number) ? JsonValue.Create(number)
        : text is "true" or "false" ? JsonValue.Create(text == "true") : JsonValue.Create(text);
}
