using System.CommandLine;
using System.Runtime.InteropServices;
using GlobalCache.Node;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;

// The one place that writes to the terminal.
#pragma warning disable RS0030

// 0 when all went well, 2 when it cannot be done as told.
const int cannotStart = 2;

using ILoggerFactory logs = ProgramLog.Of(args);
CommandLine line = CommandLine.Read(args, TimeProvider.System, logs.CreateLogger("GlobalCache"));
foreach (string error in line.Errors) Console.Error.WriteLine(error);
if (line.Errors.Count > 0) return cannotStart;
try
{
    return line.Errand is { } errand ? await errand.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }) : await ServeAsync();
}
catch (OperationCanceledException)
{
    // Told to stop while it waited for its master.
    return 0;
}
catch (Exception e) when (e is CannotStartException or GridUnusableException)
{
    Console.Error.WriteLine(e.Message);
    return cannotStart;
}

async Task<int> ServeAsync()
{
    using var draining = new CancellationTokenSource();
    using var stopped = new CancellationTokenSource();
    // The first signal drains, a second one ends it at once.
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (draining.IsCancellationRequested) stopped.Cancel();
        draining.Cancel();
    }
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    // Before anything that takes long: whoever has started this process knows it by the file.
    if (line.Options.PidFile is { } pidFile) File.WriteAllText(pidFile, ProcessMark.Own.ToString());
    using IDisposable? telemetry = Telemetry.Of("globalcache-node", NodeTraces.Name, ProgramLog.Version);
    await using NodeApp app = await NodeApp.StartAsync(line.Options, logs, TimeProvider.System, stop: draining.Token);
    await using var service = new SystemdService(TimeProvider.System);
    Console.Out.WriteLine($"Serving on {app.Endpoint}, for the owner on http://{app.Private}/status.");
    if (line.Options is { Fleet: null, Aws: null })
    {
        Console.Out.WriteLine($"Give clients {GridFolder.GridJson(line.Options.Data)} and an invite: globalcache-node invite --data {line.Options.Data}");
        if (line.Options.Grids.Count == 0) Console.Out.WriteLine("No grid is shared yet, so nothing is served: name one with --share.");
    }
    await Task.WhenAny(WaitAsync(Timeout.InfiniteTimeSpan, draining.Token), app.Forgotten);
    service.Stopping();
    app.Drain();
    await WaitAsync(line.Options.Drain, stopped.Token);
    return 0;
}

static async Task WaitAsync(TimeSpan time, CancellationToken ct)
{
    try
    {
        await Task.Delay(time, TimeProvider.System, ct);
    }
    catch (OperationCanceledException)
    {
        // That is what was waited for.
    }
}
