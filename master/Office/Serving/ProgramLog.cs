using System.Reflection;
using Microsoft.Extensions.Logging.Console;

namespace GlobalCache.Office.Serving;

/// <summary>What master and node log, on standard error: a line a message for people, or an object a line for programs.</summary>
internal static class ProgramLog
{
    /// <summary>The switch for programs.</summary>
    public const string Json = "--log-json";

    /// <summary>The switch for what goes well too.</summary>
    public const string Verbose = "--verbose";

    /// <summary>The program's version, without what its build adds.</summary>
    public static readonly string Version = typeof(ProgramLog).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>As the command line asks for it, before it is judged: what is wrong with it may have to be logged.</summary>
    public static ILoggerFactory Of(IReadOnlyList<string> args) => LoggerFactory.Create(log =>
    {
        log.SetMinimumLevel(args.Contains(Verbose) ? LogLevel.Information : LogLevel.Warning).AddFilter("Microsoft", LogLevel.Warning);
        if (args.Contains(Json)) log.AddJsonConsole(format => (format.UseUtcTimestamp, format.TimestampFormat) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"));
        else log.AddSimpleConsole(format => format.SingleLine = true);
        log.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    });
}
