using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using GlobalCache.Policy;

namespace GlobalCache.Demo.Founding;

/// <summary>One line of a master's history, and when it was said.</summary>
/// <param name="At">Since the run began.</param>
/// <param name="Node">Which one; <c>the DNS</c>; empty: the fleet.</param>
/// <param name="What">One word: launch, mark, dns, tell, end, state, alarm, trouble, lease; decide where a plan is told.</param>
/// <param name="Reason">A sentence.</param>
internal sealed record HistoryLine(TimeSpan At, string Node, string What, string Reason);

/// <summary>A real master with a folder of its own, on ports and addresses that nobody else has; killed as hard as one likes, and started again.</summary>
internal sealed partial class MasterProcess : IAsyncDisposable
{
    private readonly string _program, _folder;
    private readonly string[] _arguments;
    private readonly ConcurrentQueue<HistoryLine> _history = new();
    private readonly TimeProvider _time;
    private readonly long _since;
    private TaskCompletionSource<string> _invite = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? _process;

    public MasterProcess(string folder, GridPolicy policy, long linkBytesPerSecond, int network, TimeProvider time)
    {
        (_folder, _time, _since) = (folder, time, time.GetTimestamp());
        Directory.CreateDirectory(folder);
        PolicyFile = Path.Combine(folder, "policy.json");
        File.WriteAllText(PolicyFile, policy.ToJson());
        _program = Find();
        Private = Free();
        Dns = Free();
        (NodePort, NodePrivatePort) = (Free().Port, Free().Port);
        _arguments =
        [
            "--data", Data, "--policy", PolicyFile, "--verbose", "--listen", Free().ToString(), "--private", Private.ToString(), "--dns", Dns.ToString(),
            "--first-node", $"127.{network}.0.2", "--node-port", $"{NodePort}", "--node-private-port", $"{NodePrivatePort}", "--link", $"{linkBytesPerSecond}", "--cache-size", "64MB", "--report-every", "0.2",
        ];
    }

    /// <summary>Told each line of its log; what it says to a person is another stream.</summary>
    public Action<string>? Logged { get; init; }

    /// <summary>The grid's data folder.</summary>
    public string Data => Path.Combine(_folder, "grid");

    /// <summary>The policy as a file.</summary>
    public string PolicyFile { get; }

    public IPEndPoint Private { get; }

    public IPEndPoint Dns { get; }

    public int NodePort { get; }

    public int NodePrivatePort { get; }

    /// <summary>What it has said so far.</summary>
    public IReadOnlyList<HistoryLine> History => [.. _history];

    /// <summary>The process; null: it does not run.</summary>
    public int? Id => _process?.Id;

    public TimeSpan Clock => _time.GetElapsedTime(_since);

    /// <summary>Starts it; an invite for the first of its members, empty where there are some or none can be made.</summary>
    public async Task<string> StartAsync()
    {
        _invite = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Process process = _process = Process.Start(new ProcessStartInfo(_program, _arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null) Logged?.Invoke(line.Data);
            Take(line.Data);
        };
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => _invite.TrySetException(new InvalidOperationException("The master ended: " + string.Join(" | ", _history.TakeLast(5).Select(h => h.Reason))));
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return await _invite.Task.WaitAsync(TimeSpan.FromSeconds(60), _time);
    }

    /// <summary>Waits until it has said such a thing, since <paramref name="from"/> lines.</summary>
    /// <exception cref="TimeoutException">It has not.</exception>
    public async Task SaidAsync(Func<HistoryLine, bool> such, TimeSpan most, int from = 0)
    {
        for (TimeSpan until = Clock + most; !_history.Skip(from).Any(such); await Task.Delay(TimeSpan.FromMilliseconds(100), _time))
        {
            if (Clock > until) throw new TimeoutException("The master has not said so in time: " + string.Join(" | ", _history.TakeLast(8).Select(h => $"{h.Node} {h.What} {h.Reason}")));
        }
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

    /// <summary>Asks it to stop, with its nodes.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        using (Process? asked = Process.Start("/bin/kill", ["-TERM", $"{process.Id}"])) await asked!.WaitForExitAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30), _time);
        _process = null;
        process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync();
        }
        catch (TimeoutException)
        {
            await KillAsync();
        }
    }

    private void Take(string? line)
    {
        if (line is null) return;
        if (line.StartsWith("An invite, for one person: ", StringComparison.Ordinal)) _invite.TrySetResult(line["An invite, for one person: ".Length..].Trim());
        // Somebody belongs to the grid already, or its disk is full: it serves all the same.
        if (line.StartsWith("Invites are made on", StringComparison.Ordinal) || line.StartsWith("No invite can be made", StringComparison.Ordinal)) _invite.TrySetResult("");
        Match said = Said().Match(line);
        if (said.Success) _history.Enqueue(new HistoryLine(Clock, said.Groups["node"].Value, said.Groups["what"].Value, said.Groups["reason"].Value));
        else if (Decided().Match(line) is { Success: true } decided) _history.Enqueue(new HistoryLine(Clock, "", "decide", decided.Groups["reason"].Value));
        else _history.Enqueue(new HistoryLine(Clock, "", "said", line));
    }

    // Event 7001 is of a node or of the DNS, 7000 a decision.
    [GeneratedRegex(@"GlobalCache\[700[1-9]\] (?<node>[^:]*): (?<what>[a-z]+)\. (?<reason>.*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Said();

    [GeneratedRegex(@"GlobalCache\[7000\] (?<reason>.*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Decided();

    /// <summary>The master's program.</summary>
    public static string Find()
    {
        string here = Path.GetFullPath(AppContext.BaseDirectory).TrimEnd(Path.DirectorySeparatorChar);
        return Path.GetFullPath(Path.Combine(here, "..", "..", "GlobalCache.Master", Path.GetFileName(here), "globalcache-master"));
    }

    private static IPEndPoint Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
