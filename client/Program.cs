using System.Runtime.InteropServices;
using GlobalCache.Client;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Client.Ways;
using Microsoft.Extensions.Logging.Abstractions;

// 0 when all went well, 2 when the client cannot start as told, else what the viewer answered.
const int cannotStart = 2;

if (args is [JoinLine.Command, ..] && !args.Contains("--help"))
{
    if (JoinLine.Read(args) is not { } join)
    {
        Terminal.Error.WriteLine(JoinLine.Usage);
        return cannotStart;
    }
    try
    {
        var joining = new GridJoin(new ClientOptions().ConfigFolder, TimeProvider.System, NullLogger.Instance);
        Terminal.Out.WriteLine(await joining.RunAsync(join.Invite, join.GridFile, CancellationToken.None));
        return 0;
    }
    catch (CannotStartException e)
    {
        Terminal.Error.WriteLine(e.Message);
        return cannotStart;
    }
}

CommandLine line = CommandLine.Read(args);
if (line.Answer is not null)
{
    Terminal.Out.WriteLine(line.Answer);
    return 0;
}
foreach (string error in line.Errors) Terminal.Error.WriteLine(error);
if (line.Errors.Count > 0) return cannotStart;

using var stopped = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopped.Cancel();
}
using ILoggerFactory logs = LoggerFactory.Create(log => log
    .AddSimpleConsole(console => console.SingleLine = true)
    .SetMinimumLevel(line.Options.Verbose ? LogLevel.Information : LogLevel.Warning)
    .AddFilter("Microsoft", LogLevel.Warning)
    .AddFilter("Yarp", LogLevel.Error)
    .Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace));
try
{
    await using ClientApp app = await ClientApp.StartAsync(line.Options, logs, TimeProvider.System);
    // Ctrl-C in a shared terminal reaches the viewer too; it is then the viewer's end that we wait for.
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => { if (line.Viewer.Count > 0) s.Cancel = true; else Stop(s); });
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    if (line.Viewer.Count > 0)
        return await ViewerLaunch.RunAsync(ViewerLaunch.Prepare(line.Viewer, line.Options, app), stopped.Token);
    Terminal.Out.WriteLine(Welcome.Text(line.Options, app));
    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopped.Token);
}
catch (Exception e) when (e is CannotStartException or StoreUnusableException)
{
    Terminal.Error.WriteLine(e.Message);
    return cannotStart;
}
catch (OperationCanceledException) when (stopped.IsCancellationRequested)
{
    // Asked to stop.
}
return 0;
