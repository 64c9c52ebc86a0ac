using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using GlobalCache.Client;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Ways;

/// <summary>The built client as its own process, in folders of its own.</summary>
internal sealed class ClientProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _out = new(), _error = new();
    private readonly TaskCompletionSource _said = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="home">Stands for the user's folders.</param>
    /// <param name="arguments">Its command line.</param>
    public ClientProcess(string home, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(ClientApp).Assembly.Location, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["XDG_CONFIG_HOME"] = Path.Combine(home, "config");
        start.Environment["XDG_DATA_HOME"] = Path.Combine(home, "data");
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Add(_out, line.Data);
        _process.ErrorDataReceived += (_, line) => Add(_error, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Out => Read(_out);

    public string Error => Read(_error);

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Waits until it has printed something on standard output.</summary>
    public async Task<string> SaidAsync(string what)
    {
        await _said.Task.WaitAsync(TimeSpan.FromSeconds(60));
        for (int i = 0; i < 200 && !Out.Contains(what, StringComparison.Ordinal); i++) await Task.Delay(20);
        Assert.Contains(what, Out, StringComparison.Ordinal);
        return Out;
    }

    public void Interrupt() => Signal(2);

    /// <summary>As kill -9: it is told nothing, and is gone on return.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Signal(int number)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are Unix");
        Assert.Equal(0, Kill(_process.Id, number));
    }

    private void Add(StringBuilder to, string? line)
    {
        if (line is null) return;
        if (to == _error) SecretWatch.Hear(line);
        lock (to) to.Append(line).Append('\n');
        if (to == _out) _said.TrySetResult();
    }

    private static string Read(StringBuilder from)
    {
        lock (from) return from.ToString();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int pid, int signal);
}

/// <summary>An empty folder that is gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("globalcache-").FullName;

    public bool IsEmpty => !Directory.EnumerateFileSystemEntries(Path).Any();

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
