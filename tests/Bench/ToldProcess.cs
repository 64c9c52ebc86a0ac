using System.Diagnostics;
using System.Text.Json;

namespace GlobalCache.Bench;

/// <summary>
/// This program once more, as a process that does what it is told: a line in, a line of JSON out. So that each party of a measurement has its
/// own CPU time, its own heap, and no thread pool in common with the others.
/// </summary>
internal sealed class ToldProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly SemaphoreSlim _turn = new(1);

    private ToldProcess(Process process) => _process = process;

    /// <summary>The UDP port it said it has.</summary>
    public int Port { get; private set; }

    public static async Task<ToldProcess> StartAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add(typeof(ToldProcess).Assembly.Location);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var told = new ToldProcess(Process.Start(start)!);
        told.Port = (await told.AskAsync("port")).GetInt32();
        return told;
    }

    /// <summary>The child's side: answers until the parent goes.</summary>
    public static void Obey(Func<string[], object> answer)
    {
        while (Console.In.ReadLine() is { } line)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(answer(line.Split(' ')), JsonSerializerOptions.Web));
        }
    }

    public async Task<JsonElement> AskAsync(string command)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _turn.WaitAsync(limit.Token);
        try
        {
            await _process.StandardInput.WriteLineAsync(command.AsMemory(), limit.Token);
            await _process.StandardInput.FlushAsync(limit.Token);
            string? line = await _process.StandardOutput.ReadLineAsync(limit.Token);
            return JsonDocument.Parse(line ?? throw new InvalidOperationException($"“{command}” ended the process that was asked")).RootElement;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async Task<T> AskAsync<T>(string command) => (await AskAsync(command)).Deserialize<T>(JsonSerializerOptions.Web)!;

    /// <summary>What the process has used since it began.</summary>
    public Task<Usage> UsageAsync() => AskAsync<Usage>("usage");

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(2000))
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _turn.Dispose();
    }
}

/// <summary>User and system time, and what was ever allocated.</summary>
internal sealed record Usage(double CpuMicroseconds, long AllocatedBytes)
{
    public static Usage Now() => new(Environment.CpuUsage.TotalTime.TotalMicroseconds, GC.GetTotalAllocatedBytes(precise: true));
}
