using System.Globalization;

namespace GlobalCache.Master.Dashboard;

/// <summary>Figures as people read them; a dash where nothing is known.</summary>
internal static class Shown
{
    private const string Nothing = "–";
    private static readonly string[] s_bytes = ["B", "kB", "MB", "GB", "TB", "PB"];

    /// <summary>Three figures that count, and thousands apart.</summary>
    public static string Number(double? value) => value switch
    {
        not { } => Nothing,
        >= 100 or <= -100 => value.Value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' '),
        >= 10 or <= -10 => value.Value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.##", CultureInfo.InvariantCulture),
    };

    /// <summary>Of 0 – 1.</summary>
    public static string Percent(double? share) => share is { } known ? $"{(known * 100).ToString(Math.Abs(known) is < 0.1 and > 0 ? "0.#" : "0", CultureInfo.InvariantCulture)} %" : Nothing;

    /// <summary>In powers of 1 000.</summary>
    public static string Bytes(double? bytes)
    {
        if (bytes is not { } left) return Nothing;
        int unit = 0;
        for (; left >= 1000 && unit < s_bytes.Length - 1; unit++) left /= 1000;
        return $"{Number(left)} {s_bytes[unit]}";
    }

    /// <summary>A price; to the cent where it is more than that.</summary>
    public static string Money(decimal amount, string currency) => $"{amount.ToString(amount is 0 or >= 10 ? "0.00" : "0.00##", CultureInfo.InvariantCulture)} {currency}".TrimEnd();

    /// <summary>Hours and minutes, in UTC as everything here.</summary>
    public static string Clock(DateTimeOffset at) => at.ToUniversalTime().ToString("HH:mm", CultureInfo.InvariantCulture);

    /// <summary>To the second.</summary>
    public static string Second(DateTimeOffset at) => at.ToUniversalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>For <c>datetime</c> attributes.</summary>
    public static string Machine(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
