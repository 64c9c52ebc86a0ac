using System.ComponentModel;
using System.Diagnostics;

namespace GlobalCache.Client.Ways;

/// <summary>Starts the viewer with whatever leads it to us, and tells how it ended.</summary>
internal static class ViewerLaunch
{
    /// <summary>Whether there is such a program, as far as that can be told without starting it.</summary>
    public static bool Exists(string program)
    {
        if (program.Contains(Path.DirectorySeparatorChar)) return File.Exists(program);
        // Windows adds endings and folders of its own.
        if (OperatingSystem.IsWindows()) return true;
        string folders = Environment.GetEnvironmentVariable("PATH") ?? "";
        return folders.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
    }

    /// <summary>The viewer's process as it is to be started; it keeps our terminal.</summary>
    public static ProcessStartInfo Prepare(IReadOnlyList<string> command, ClientOptions options, ClientApp app)
    {
        var start = new ProcessStartInfo(command[0]) { UseShellExecute = false };
        foreach (string argument in command.Skip(1)) start.ArgumentList.Add(argument);
        foreach (string argument in Arguments(options, app)) start.ArgumentList.Add(argument);
        if (!options.WebProxy && !options.LoginProxy) start.Environment["VIEWERASSET"] = app.AssetUri.AbsoluteUri;
        return start;
    }

    /// <summary>For this run only: the viewer does not save settings that come from its command line.</summary>
    public static IReadOnlyList<string> Arguments(ClientOptions options, ClientApp app)
    {
        if (options.WebProxy)
        {
            return ["--set", "HttpProxyType", "Web", "--set", "BrowserProxyEnabled", "1",
                "--set", "BrowserProxyAddress", app.Endpoint.Address.ToString(), "--set", "BrowserProxyPort", $"{app.Port}"];
        }
        // Firestorm and its kin obey the first, others the second, and none minds the one it does not (ADR 28).
        return options.LoginProxy ? ["--grid", app.GridName, "--loginuri", app.LoginUri.AbsoluteUri] : [];
    }

    /// <summary>Runs it to its end.</summary>
    /// <exception cref="CannotStartException">There is no such program.</exception>
    public static async Task<int> RunAsync(ProcessStartInfo start, CancellationToken ct)
    {
        Process? viewer;
        try
        {
            viewer = Process.Start(start);
        }
        catch (Win32Exception)
        {
            viewer = null;
        }
        if (viewer is null) throw new CannotStartException($"{start.FileName} cannot be started: give the viewer's command behind run.");
        using (viewer)
        {
            await viewer.WaitForExitAsync(ct);
            return viewer.ExitCode;
        }
    }
}
