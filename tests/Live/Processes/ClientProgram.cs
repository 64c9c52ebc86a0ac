using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Client;

namespace GlobalCache.Live.Processes;

/// <summary>The built client with folders of its own; killed as hard as one likes, and started again with the same options.</summary>
internal sealed class ClientProgram : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string[] _arguments;
    private readonly Clock _clock;
    private readonly ConcurrentQueue<string> _said = new();
    private TaskCompletionSource<Uri> _ready = new();
    private Process? _process;

    /// <param name="name">What it is called in the report.</param>
    /// <param name="folder">Stands for the user's folders.</param>
    /// <param name="arguments">Its command line, without port and invite.</param>
    /// <param name="clock">Of the run.</param>
    public ClientProgram(string name, string folder, IReadOnlyList<string> arguments, Clock clock)
    {
        (Name, _folder, _clock) = (name, folder, clock);
        Directory.CreateDirectory(Data);
        Directory.CreateDirectory(Runtime);
        _arguments = ["--port", $"{FreePort()}", .. arguments];
    }

    public string Name { get; }

    /// <summary>Where its store lies.</summary>
    public string Data => Path.Combine(_folder, "data");

    /// <summary>Where its circuits' pages lie.</summary>
    public string Runtime => Path.Combine(_folder, "runtime");

    /// <summary>Where viewers log in; the same after every restart.</summary>
    public Uri? LoginUri { get; private set; }

    /// <summary>The process; null: it does not run.</summary>
    public int? Id => _process?.Id;

    /// <summary>The last lines it has printed.</summary>
    public IReadOnlyList<string> Said => [.. _said];

    /// <summary>Returns when viewers may come.</summary>
    /// <param name="invite">Needed at the first start.</param>
    public async Task StartAsync(string? invite = null)
    {
        TaskCompletionSource<Uri> ready = _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        string program = Path.ChangeExtension(typeof(ClientApp).Assembly.Location, ".dll");
        var start = new ProcessStartInfo("dotnet", [program, .. _arguments, .. invite is null ? Array.Empty<string>() : ["--invite", invite]])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["XDG_CONFIG_HOME"] = Path.Combine(_folder, "config");
        start.Environment["XDG_DATA_HOME"] = Data;
        start.Environment["XDG_RUNTIME_DIR"] = Runtime;
        Process process = _process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Take(line.Data, ready);
        process.ErrorDataReceived += (_, line) => Take(line.Data, ready);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException($"{Name} ended: {string.Join(" | ", Said.TakeLast(5))}"));
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        LoginUri = await ready.Task.WaitAsync(TimeSpan.FromSeconds(60), _clock.Time);
    }

    /// <summary>As a power cut would.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process) return;
        _process = null;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    /// <summary>Ctrl-C.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        if (_process is not { } process) return 0;
        Signals.Interrupt(process.Id);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30), _clock.Time);
        int code = process.ExitCode;
        _process = null;
        process.Dispose();
        return code;
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private void Take(string? line, TaskCompletionSource<Uri> ready)
    {
        if (line is null) return;
        _said.Enqueue(line);
        while (_said.Count > 100) _said.TryDequeue(out _);
        int at = line.IndexOf("--loginuri ", StringComparison.Ordinal);
        if (at >= 0) ready.TrySetResult(new Uri(line[(at + "--loginuri ".Length)..].Split(' ')[0]));
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
