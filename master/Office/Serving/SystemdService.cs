using System.Globalization;
using Microsoft.Extensions.Hosting.Systemd;

namespace GlobalCache.Office.Serving;

/// <summary>
/// What systemd is told of a program that it has started (sd_notify(3)): that it serves, every half watchdog period that its threads still run, and that it stops.
/// Where nothing waits for it, it says nothing.
/// </summary>
public sealed class SystemdService : IAsyncDisposable
{
    private readonly SystemdNotifier _systemd = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Task _alive;

    /// <summary>The program serves from now on.</summary>
    public SystemdService(TimeProvider time)
    {
        _systemd.Notify(ServiceState.Ready);
        _alive = WatchdogPeriod(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), Environment.GetEnvironmentVariable("WATCHDOG_PID"), Environment.ProcessId) is { } period && _systemd.IsEnabled
            ? AliveAsync(period / 2, time) : Task.CompletedTask;
    }

    /// <summary>How often systemd wants to hear of this process, as it says in the environment; null: not at all (sd_watchdog_enabled(3)).</summary>
    public static TimeSpan? WatchdogPeriod(string? microseconds, string? forProcess, int process) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long period) && period is > 0 and < 86_400_000_000
        && (string.IsNullOrEmpty(forProcess) || forProcess == process.ToString(CultureInfo.InvariantCulture)) ? TimeSpan.FromMicroseconds(period) : null;

    /// <summary>The program ends by itself from now on, however long its last clients take.</summary>
    public void Stopping() => _systemd.Notify(ServiceState.Stopping);

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _alive;
        _stopped.Dispose();
    }

    private async Task AliveAsync(TimeSpan period, TimeProvider time)
    {
        var alive = new ServiceState("WATCHDOG=1");
        using var ticks = new PeriodicTimer(period, time);
        try
        {
            do _systemd.Notify(alive);
            while (await ticks.WaitForNextTickAsync(_stopped.Token));
        }
        catch (OperationCanceledException)
        {
            // That is its end.
        }
    }
}
