using System.Globalization;

namespace GlobalCache.Client.Commands;

/// <summary>Figures as people read them.</summary>
internal static class Shown
{
    private static readonly string[] s_units = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>In powers of 1 000, three figures that count.</summary>
    public static string Bytes(long bytes)
    {
        double left = bytes;
        int unit = 0;
        for (; left >= 1000 && unit < s_units.Length - 1; unit++) left /= 1000;
        return string.Create(CultureInfo.InvariantCulture, $"{left.ToString(left >= 100 || unit == 0 ? "0" : left >= 10 ? "0.#" : "0.##", CultureInfo.InvariantCulture)} {s_units[unit]}");
    }

    /// <summary>Of 0 – 1.</summary>
    public static string Percent(double? share) => share is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known * 100:0} %") : "–";

    /// <summary>Seconds, minutes or hours; below zero where it was lost.</summary>
    public static string Duration(double? seconds)
    {
        if (seconds is not { } known) return "not known yet";
        string sign = known < 0 ? "-" : "";
        var left = TimeSpan.FromSeconds(Math.Abs(known));
        return left.TotalSeconds < 60 ? string.Create(CultureInfo.InvariantCulture, $"{sign}{left.TotalSeconds:0.0} s")
            : left.TotalHours < 1 ? $"{sign}{left.Minutes} min {left.Seconds} s" : $"{sign}{(int)left.TotalHours} h {left.Minutes} min";
    }
}
