using System.Text.RegularExpressions;

namespace GlobalCache.Tests.Docs;

/// <summary>What a page tells people to type: blocks of a shell, indented lines, and words in between that are a command's.</summary>
internal static partial class Commands
{
    public static IEnumerable<string> Of(string page)
    {
        page = page.Replace("\\\n", " ", StringComparison.Ordinal);
        foreach (Match block in Blocks().Matches(page))
            foreach (string line in block.Groups["text"].Value.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0)) yield return Spaces().Replace(line, " ");
        string rest = Fences().Replace(page, "");
        foreach (Match line in Indented().Matches(rest)) yield return Spaces().Replace(line.Groups["line"].Value.Trim(), " ");
        foreach (Match word in Inline().Matches(rest)) yield return word.Groups["line"].Value;
    }

    [GeneratedRegex(@"^ *```sh\n(?<text>.*?)^ *```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"^ *```.*?^ *```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fences();

    [GeneratedRegex(@"^    (?<line>[A-Za-z./].*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Indented();

    [GeneratedRegex(@"`(?<line>(globalcache(-node|-master)?|dotnet|systemctl|apt|apt-get|pulumi|\.ci/[a-z-]+)( [^`\n]+)?)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Inline();

    [GeneratedRegex(" {2,}", RegexOptions.None, 1000)]
    private static partial Regex Spaces();
}
