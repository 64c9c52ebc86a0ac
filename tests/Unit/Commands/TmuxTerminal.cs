using System.Diagnostics;
using GlobalCache.Client;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Commands;

/// <summary>A terminal that somebody sits at, by tmux: the client is started in it, keys are pressed, and what can be seen is read.</summary>
internal sealed class TmuxTerminal : IAsyncDisposable
{
    private readonly string _tmux, _socket;

    private TmuxTerminal(string tmux, string socket) => (_tmux, _socket) = (tmux, socket);

    /// <param name="home">Stands for the user's folder.</param>
    /// <param name="words">The client's command line.</param>
    public static async Task<TmuxTerminal> StartAsync(string home, params string[] words)
    {
        var terminal = new TmuxTerminal(Needs.Program("tmux", "apt-get install tmux"), $"gc-{Guid.NewGuid():N}");
        string[] client = ["env", $"HOME={home}", $"XDG_CONFIG_HOME={Path.Combine(home, "config")}", $"XDG_DATA_HOME={Path.Combine(home, "data")}", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin:" + Path.GetDirectoryName(Environment.ProcessPath), Dotnet(), typeof(ClientApp).Assembly.Location, .. words];
        await terminal.TellAsync(["-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "44", string.Join(' ', client.Select(w => $"'{w}'"))]);
        // What was said last can be read when the program has ended.
        await terminal.TellAsync(["set-option", "remain-on-exit", "on", ";", "set-option", "remain-on-exit-format", ""]);
        return terminal;
    }

    public Task PressAsync(params string[] keys) => TellAsync(["send-keys", .. keys]);

    /// <summary>The screen and what has left it upwards, once it shows this.</summary>
    public async Task<string> ShowsAsync(string text)
    {
        string screen = "";
        for (int i = 0; i < 300; i++)
        {
            screen = await TellAsync(["capture-pane", "-p", "-J", "-S", "-100"]);
            if (screen.Contains(text, StringComparison.Ordinal)) return screen.Trim('\n', ' ');
            await Task.Delay(100);
        }
        Assert.Fail($"The terminal does not show “{text}”: {screen}");
        return "";
    }

    /// <summary>Until the program has ended; how.</summary>
    public async Task<int> EndedAsync()
    {
        for (int i = 0; i < 200; i++)
        {
            if (await TellAsync(["display-message", "-p", "#{pane_dead} #{pane_dead_status}#{pane_dead_signal}"]) is ['1', ' ', .. var how]) return int.TryParse(how.Trim(), out int code) ? code : 0;
            await Task.Delay(100);
        }
        Assert.Fail("The program has not ended.");
        return -1;
    }

    public async ValueTask DisposeAsync() => await TellAsync(["kill-server"], mayFail: true);

    private static string Dotnet() => Process.GetCurrentProcess().MainModule?.FileName is { } own && Path.GetFileName(own) == "dotnet" ? own
        : Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(f => Path.Combine(f, "dotnet")).First(File.Exists);

    private async Task<string> TellAsync(string[] words, bool mayFail = false)
    {
        var start = new ProcessStartInfo(_tmux, ["-L", _socket, .. words]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process tmux = Process.Start(start)!;
        string said = await tmux.StandardOutput.ReadToEndAsync(), wrong = await tmux.StandardError.ReadToEndAsync();
        await tmux.WaitForExitAsync();
        Assert.True(mayFail || tmux.ExitCode == 0, wrong);
        return said;
    }
}
