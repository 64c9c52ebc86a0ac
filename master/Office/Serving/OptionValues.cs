using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Office.Serving;

/// <summary>What stands behind the options that a node and a master share, read or told what is wrong with it.</summary>
internal static class OptionValues
{
    private static readonly string[] s_units = ["", "KB", "MB", "GB", "TB"];

    /// <summary>A virtual world as <c>--share</c> names it.</summary>
    public static SharedGrid Grid(string text, List<string> errors)
    {
        string[] halves = text.Split('=', 2);
        if (halves[0] != GridId.SecondLife && (!GridId.TryFromUrl(halves[0], out string gridId) || (halves[0] = gridId).Length == 0))
            errors.Add($"--share {text} names no grid: give its login host, such as login.example.org:8002.");
        return new SharedGrid
        {
            Id = halves[0],
            Authorities = halves.Length == 1 ? [] : [.. halves[1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(h => h.ToLowerInvariant())],
        };
    }

    /// <summary>The address of an HTTP server.</summary>
    public static Uri? Address(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? read) && (read.Scheme == Uri.UriSchemeHttp || read.Scheme == Uri.UriSchemeHttps)) return read;
        result.AddError($"{text} is no address of a server, such as http://127.0.0.1:7480.");
        return null;
    }

    /// <summary>An address with its port.</summary>
    public static IPEndPoint EndPoint(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value;
        if (IPEndPoint.TryParse(text, out IPEndPoint? read) && text.Contains(':', StringComparison.Ordinal)) return read;
        result.AddError($"{text} is no address with a port, such as 127.0.0.1:12443.");
        return new IPEndPoint(IPAddress.Loopback, 0);
    }

    /// <summary>Bytes, such as 512MB.</summary>
    public static long Size(ArgumentResult result)
    {
        string text = result.Tokens[^1].Value.Trim().ToUpperInvariant();
        for (int i = s_units.Length - 1; i >= 0; i--)
        {
            if (!text.EndsWith(s_units[i], StringComparison.Ordinal)) continue;
            if (decimal.TryParse(text[..^s_units[i].Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number) && number < 1_000_000_000_000)
                return (long)(number * (decimal)Math.Pow(1000, i));
        }
        result.AddError($"{text} is no size, such as 512MB or 2GB.");
        return 0;
    }
}
