using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace GlobalCache.Office.Keys;

/// <summary>
/// Secrets as a file: a label, lines <c>name value</c>, then a hash of all before. It comes into being whole or not at all, its parts cannot be mixed with another's,
/// and any changed bit is noticed.
/// </summary>
internal static class SecretFile
{
    /// <summary>Longer files are not ours.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>The file's bytes.</summary>
    public static byte[] Encode(string label, IEnumerable<string> names, IEnumerable<string> values)
    {
        var text = new StringBuilder(label).Append('\n');
        foreach ((string name, string value) in names.Zip(values)) text.Append(name).Append(' ').Append(value).Append('\n');
        return Encoding.ASCII.GetBytes(text.Append(Check(text.ToString())).Append('\n').ToString());
    }

    /// <summary>The values, in the order of the names. False: damaged, or another kind of file.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, string label, IReadOnlyList<string> names, [NotNullWhen(true)] out string[]? values)
    {
        values = null;
        string text = Encoding.Latin1.GetString(bytes);
        string[] lines = text.Split('\n');
        if (lines.Length != names.Count + 3 || lines[0] != label || lines[^1].Length != 0) return false;
        int body = text.Length - lines[^2].Length - 1;
        if (lines[^2] != Check(text[..body])) return false;
        var read = new string[names.Count];
        for (int i = 0; i < names.Count; i++)
        {
            if (lines[i + 1].Split(' ') is not [{ } name, { Length: > 0 } value] || name != names[i]) return false;
            read[i] = value;
        }
        values = read;
        return true;
    }

    /// <summary>Whether it is a whole file of this kind, but of another version: the number at the label's end.</summary>
    public static bool IsOfOtherVersion(ReadOnlySpan<byte> bytes, string label)
    {
        string text = Encoding.Latin1.GetString(bytes);
        int body = text.TrimEnd('\n').LastIndexOf('\n') + 1;
        return text.StartsWith(label[..(label.LastIndexOf('-') + 1)], StringComparison.Ordinal) && !text.StartsWith(label + '\n', StringComparison.Ordinal)
            && text[body..] == Check(text[..body]) + "\n";
    }

    private static string Check(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(text)));
}
