// The one place that writes to the terminal, for the composition root.
#pragma warning disable RS0030

using Microsoft.Extensions.Logging.Console;
using Spectre.Console;

namespace GlobalCache.Client.Ways;

/// <summary>Standard output for what was asked for, standard error for what went wrong and for the log.</summary>
internal static class Terminal
{
    private const int Unwrapped = 1000;

    public static TextWriter Out => System.Console.Out;

    public static TextWriter Error => System.Console.Error;

    /// <summary>The log, on standard error: a line a message for people, or an object a line for programs.</summary>
    public static ILoggerFactory Log(ClientOptions options) => LoggerFactory.Create(log =>
    {
        log.SetMinimumLevel(options.Verbose ? LogLevel.Information : LogLevel.Warning).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Yarp", LogLevel.Error);
        if (options.LogJson) log.AddJsonConsole(format => (format.UseUtcTimestamp, format.TimestampFormat) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"));
        else log.AddSimpleConsole(format => format.SingleLine = true);
        log.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    /// <summary>Somebody can be asked.</summary>
    public static bool IsInteractive => !System.Console.IsInputRedirected && !System.Console.IsOutputRedirected;

    /// <summary>Tables and questions; plain text where no terminal is.</summary>
    public static IAnsiConsole Console
    {
        get
        {
            IAnsiConsole console = AnsiConsole.Console;
            // For who reads line by line a sentence is one line.
            if (System.Console.IsOutputRedirected) console.Profile.Width = Unwrapped;
            return console;
        }
    }
}
