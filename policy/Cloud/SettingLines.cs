using System.Text;
using System.Text.RegularExpressions;

namespace GlobalCache.Policy.Cloud;

/// <summary>
/// Plain settings, <c>key=value</c> a line, as a machine is given them at its start (user data). No quotes, no comments, no defaults, and nothing that is executed: what is not
/// understood is said, a sentence for each line, and then nothing of it counts.
/// </summary>
internal sealed class SettingLines
{
    /// <summary>AWS hands a machine no more.</summary>
    public const int MostCharacters = 16 * 1024;

    private const int MostShown = 60;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly List<string> _wrong = [];
    private readonly string _role;

    private SettingLines(string role) => _role = role;

    /// <summary>All that has been found wrong so far.</summary>
    public IReadOnlyList<string> Wrong => _wrong;

    /// <summary>Takes a text apart.</summary>
    /// <param name="text">Lines; empty ones do not count.</param>
    /// <param name="role">What stands behind <c>role=</c>, which is the first line.</param>
    /// <param name="keys">The others that there are, each once.</param>
    public static SettingLines Read(string text, string role, IReadOnlyCollection<string> keys)
    {
        var lines = new SettingLines(role);
        string[] all = text.Length > MostCharacters ? [] : [.. text.ReplaceLineEndings("\n").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0)];
        if (all.Length == 0 || all[0] != $"role={role}")
        {
            lines._wrong.Add($"These are no settings of a {role}: the first line is to be role={role}.");
            return lines;
        }

        foreach (string line in all.Skip(1))
        {
            int at = line.IndexOf('=', StringComparison.Ordinal);
            string key = at < 0 ? line : line[..at];
            if (at < 0) lines._wrong.Add($"'{Shown(line)}' is no setting: each line is key=value.");
            else if (!keys.Contains(key)) lines._wrong.Add($"'{Shown(key)}' is no setting of a {role}.");
            else if (!lines._values.TryAdd(key, line[(at + 1)..])) lines._wrong.Add($"'{key}' stands there twice.");
        }

        return lines;
    }

    /// <summary>A value of a known form.</summary>
    /// <param name="key">Of <see cref="Read"/>'s.</param>
    /// <param name="form">The whole of it.</param>
    /// <param name="what">What it should be, with an example, as in “should be WHAT”.</param>
    /// <returns>Empty where it is missing or wrong, which has been noted then.</returns>
    public string One(string key, string form, string what)
    {
        // Nothing is missing in what is another machine's, or no settings at all.
        if (!_values.TryGetValue(key, out string? value))
        {
            if (_values.Count > 0 || _wrong.Count == 0) _wrong.Add($"'{key}' is missing: {what}.");
            return "";
        }

        if (Regex.IsMatch(value, form, RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, s_patience)) return value;
        _wrong.Add($"'{key}' is '{Shown(value)}' and should be {what}.");
        return "";
    }

    /// <summary>Notes something that a form cannot say.</summary>
    public void Doubt(string key, string why) => _wrong.Add($"'{key}' {why}.");

    /// <summary>The text of some settings.</summary>
    public static string Format(string role, params IEnumerable<(string Key, string Value)> values)
    {
        StringBuilder text = new StringBuilder("role=").Append(role).Append('\n');
        foreach ((string key, string value) in values) text.Append(key).Append('=').Append(value).Append('\n');
        return text.ToString();
    }

    private static string Shown(string text) => text.Length <= MostShown ? text : text[..MostShown] + "…";
}
