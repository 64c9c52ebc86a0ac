using System.CommandLine;
using System.Runtime.InteropServices;
using GlobalCache.Master;
using GlobalCache.Master.Operator;
using GlobalCache.Master.Reconcile;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;

// The one place that writes to the terminal.
#pragma warning disable RS0030

// 0 when all went well, 2 when it cannot be done as told.
const int cannotStart = 2;

using ILoggerFactory logs = ProgramLog.Of(args);
CommandLine line = CommandLine.Read(args, TimeProvider.System, logs.CreateLogger("GlobalCache"),
    ct => AdminCodeEntry.AskAsync(Console.In, Console.IsInputRedirected ? null : () => Console.ReadKey(intercept: true), Console.Error, ct));
foreach (string error in line.Errors) Console.Error.WriteLine(error);
if (line.Errors.Count > 0) return cannotStart;
try
{
    return line.Errand is { } errand ? await errand.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }) : await RunAsync();
}
catch (Exception e) when (e is CannotStartException or GridUnusableException)
{
    Console.Error.WriteLine(e.Message);
    return cannotStart;
}

async Task<int> RunAsync()
{
    using var stopping = new CancellationTokenSource();
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stopping.Cancel();
    }
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using IDisposable? telemetry = Telemetry.Of("globalcache-master", MasterTraces.Name, ProgramLog.Version);
    await using MasterApp app = await MasterApp.StartAsync(line.Options, logs, TimeProvider.System, stop: stopping.Token);
    await using var service = new SystemdService(TimeProvider.System);
    Console.Out.WriteLine($"The grid {app.Office.Grid.File.Host}: dashboard on http://{app.Private}/, clients enrol at https://{app.Public}, names are served on {app.NamesAt}.");
    // What a machine in the cloud prints stands in its journal: nothing that lets anybody in.
    if (line.Options.Aws is null)
    {
        try
        {
            // Only for the first of all: an invite lies open for a week, and a master that is started often would leave no room for others.
            bool nobody = (await app.Office.Desks.Enrolment.RefreshAsync(stopping.Token)).Clients.Count == 0;
            if (nobody && await app.Office.Desks.Enrolment.InviteAsync(inviter: null, stopping.Token) is { } code)
            {
                Console.Out.WriteLine($"An invite, for one person: {app.Office.Grid.InviteOf(code)}");
                Console.Out.WriteLine($"To use it: globalcache join INVITE, or --grid {GridFolder.GridJson(line.Options.Data)} --invite INVITE.");
            }
            else
            {
                Console.Out.WriteLine("Invites are made on the dashboard, or by this program's command invite.");
            }
        }
        catch (StoreTroubleException e)
        {
            // Whoever is enrolled needs none, and those are who waits for a master that was killed.
            Console.Error.WriteLine($"No invite can be made: {e.Message}");
        }
        if (app.NewAdminCode is { } admin) Console.Out.WriteLine($"The admin code, shown this once: {admin}");
    }

    if (app.Policy.Grids.Count == 0) Console.Out.WriteLine("No virtual world is shared yet, so nothing is served: name one with --share or in the policy.");
    try
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopping.Token);
    }
    catch (OperationCanceledException)
    {
        // That is what was waited for.
    }
    service.Stopping();
    if (!line.Options.LeaveNodes) await app.EndNodesAsync(CancellationToken.None);
    return 0;
}
