using System.Globalization;

namespace GlobalCache.Client.Resumption;

/// <summary>
/// A moment that another process of the same boot can measure against, and that setting the clock does not move: how long the machine has been up,
/// time asleep included, and which boot that is. A session cannot outlive the machine, so nothing is lost by forgetting it with the boot.
/// </summary>
/// <param name="Boot">The kernel's random id of this boot.</param>
/// <param name="Up">Since the boot.</param>
internal readonly record struct Moment(string Boot, TimeSpan Up)
{
    /// <summary>How long ago <paramref name="other"/> was; null if it lies in another boot, or ahead, which it cannot.</summary>
    public TimeSpan? Since(Moment other) => Boot == other.Boot && other.Up <= Up ? Up - other.Up : null;

    /// <summary>Now, by Linux; null on systems that do not tell: nothing is resumed there.</summary>
    public static Moment? OfMachine()
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            string boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            string up = File.ReadAllText("/proc/uptime").Split(' ')[0];
            return boot.Length > 0 && double.TryParse(up, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
                ? new Moment(boot, TimeSpan.FromSeconds(seconds)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
