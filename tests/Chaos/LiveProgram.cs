using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace GlobalCache.Chaos;

/// <summary>
/// Hands <c>--live</c> and <c>--load</c> to <c>tests/Live</c>, a program of its own because this one has but one thread for everything. As root it gets process and mount namespaces of its own: whatever
/// it has started and mounted is gone with it, however it ends.
/// </summary>
internal static class LiveProgram
{
    // Somebody has to collect the processes whose parents were killed; a shell that waits does.
    private static readonly string[] s_apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-c", "trap : INT TERM; \"$@\"", "sh"];

    public static async Task<int> RunAsync(string[] args)
    {
        string here = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar);
        string program = Path.GetFullPath(Path.Combine(here, "..", "..", "GlobalCache.Live", Path.GetFileName(here), "GlobalCache.Live"));
        string[] command = [.. await CanBeApartAsync() ? s_apart : [], program, .. args, "--until-eof"];
        // It is told to stop by the end of its input, whether we are told to stop or are killed.
        var start = new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardInput = true };
        using Process live = Process.Start(start)!;
        using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop), told = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        await live.WaitForExitAsync();
        return live.ExitCode;

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            live.StandardInput.Close();
        }
    }

    private static async Task<bool> CanBeApartAsync()
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            using Process tried = Process.Start(new ProcessStartInfo(s_apart[0], [.. s_apart[1..6], "true"]) { UseShellExecute = false, RedirectStandardError = true })!;
            await tried.StandardError.ReadToEndAsync();
            await tried.WaitForExitAsync();
            return tried.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
