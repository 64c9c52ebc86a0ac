using System.Runtime.InteropServices;
using GlobalCache.Client;
using GlobalCache.Client.Commands;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Client.Ways;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

// 0 when all went well, 1 when there was nothing to be had, 2 when it cannot be done as told; of run, what the viewer answered.
const int cannot = 2;

using var stopped = new CancellationTokenSource();
// Whoever is asked something ends it as any program; afterwards it is told and comes to its end.
bool isAsking = false;
void Stop(PosixSignalContext signal)
{
    if (isAsking) return;
    signal.Cancel = true;
    stopped.Cancel();
}

try
{
    if (args is [JoinLine.Command, ..] && !args.Contains("--help"))
    {
        if (JoinLine.Read(args) is not { } join) throw new CannotStartException(JoinLine.Usage);
        var joining = new GridJoin(new ClientOptions().ConfigFolder, TimeProvider.System, NullLogger.Instance);
        Terminal.Out.WriteLine(await joining.RunAsync(join.Invite, join.GridFile, CancellationToken.None));
        return 0;
    }

    CommandLine line = CommandLine.Read(args);
    if (line.Answer is not null)
    {
        Terminal.Out.WriteLine(line.Answer);
        return 0;
    }
    // What is wrong is what the doctor is for.
    if (line.Command != Doctor.Command)
    {
        foreach (string error in line.Errors) Terminal.Error.WriteLine(error);
        if (line.Errors.Count > 0) return cannot;
    }

    // Ctrl-C in a shared terminal reaches the viewer too; it is then the viewer's end that we wait for.
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => { if (line.Viewer.Count > 0) s.Cancel = true; else Stop(s); });
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    IAnsiConsole console = Terminal.Console;
    isAsking = line.Command is Purge.Command or Setup.Command || (line.IsBare && Terminal.IsInteractive);
    switch (line.Command)
    {
        case Doctor.Command:
            return await new Doctor(line.Options, line.Errors, TimeProvider.System).RunAsync(console, stopped.Token);
        case Stats.Command:
            return await new Stats(line.Options, console, TimeProvider.System).RunAsync(line.Switches.ContainsKey(Stats.Json), line.Switches.ContainsKey(Stats.Live), stopped.Token);
        case Purge.Command:
            return new Purge(line.Options, console).Run(line.Switches.ContainsKey(Purge.All), line.Switches.ContainsKey(Purge.Yes));
        case MemberInvite.Command:
            return await new MemberInvite(line.Options, console, TimeProvider.System).RunAsync(stopped.Token);
        case Import.Command:
            return await new Import(line.Options, console, TimeProvider.System).RunAsync(
                line.Switches.GetValueOrDefault(Import.Oar), line.Switches.GetValueOrDefault(Import.Folder), line.Switches.ContainsKey(Import.Watch), stopped.Token);
        case Setup.Command:
            if (!Terminal.IsInteractive) throw new CannotStartException("setup asks questions and needs a terminal: without one, write globalcache.json by hand.");
            return new Setup(line.Options, console, InstalledViewers.Find()).Run() ? 0 : 1;
    }
    if (line.IsBare && Terminal.IsInteractive && new Setup(line.Options, console, InstalledViewers.Find()).Run())
    {
        line = CommandLine.Read(args);
        foreach (string error in line.Errors) Terminal.Error.WriteLine(error);
        if (line.Errors.Count > 0) return cannot;
    }

    isAsking = false;
    using ILoggerFactory logs = Terminal.Log(line.Options);
    using IDisposable? telemetry = Telemetry.Of("globalcache-client", ClientMetrics.MeterName, ClientApp.Version);
    await using ClientApp app = await ClientApp.StartAsync(line.Options, logs, TimeProvider.System);
    if (line.Viewer.Count > 0)
        return await ViewerLaunch.RunAsync(ViewerLaunch.Prepare(line.Viewer, line.Options, app), stopped.Token);
    Terminal.Out.WriteLine(Welcome.Text(line.Options, app));
    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopped.Token);
}
catch (Exception e) when (e is CannotStartException or StoreUnusableException)
{
    Terminal.Error.WriteLine(e.Message);
    return cannot;
}
catch (OperationCanceledException) when (stopped.IsCancellationRequested)
{
    // Asked to stop.
}
return 0;
