using System.Runtime.InteropServices;

namespace GlobalCache.Live.Processes;

/// <summary>What is done to a process from outside.</summary>
internal static class Signals
{
    private const int Interrupted = 2, Killed = 9, Continued = 18, Stopped = 19;

    /// <summary>Ctrl-C: it may tidy up.</summary>
    public static void Interrupt(int pid) => Send(pid, Interrupted);

    /// <summary>It is told nothing.</summary>
    public static void Kill(int pid) => Send(pid, Killed);

    /// <summary>It stands still, and whoever speaks to it waits.</summary>
    public static void Freeze(int pid) => Send(pid, Stopped);

    /// <summary>It goes on as if nothing had been.</summary>
    public static void Thaw(int pid) => Send(pid, Continued);

    // Whoever has just gone needs no signal any more.
    private static void Send(int pid, int signal) => _ = SendOne(pid, signal);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendOne(int pid, int signal);
}
