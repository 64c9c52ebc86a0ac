// The one place that writes to the terminal, for the composition root.
#pragma warning disable RS0030

namespace GlobalCache.Client.Ways;

/// <summary>Standard output for what was asked for, standard error for what went wrong and for the log.</summary>
internal static class Terminal
{
    public static TextWriter Out => Console.Out;

    public static TextWriter Error => Console.Error;
}
