using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace GlobalCache.Bench.Master;

/// <summary>The master's program as it is built beside this one, and what the system says it takes.</summary>
internal sealed class MasterUnderLoad : IAsyncDisposable
{
    private const double TicksPerSecond = 100; // USER_HZ, fixed on Linux

    private readonly Process _process;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _said = [];

    private MasterUnderLoad(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static MasterUnderLoad Start(params string[] arguments)
    {
        string here = Path.GetFullPath(AppContext.BaseDirectory).TrimEnd(Path.DirectorySeparatorChar);
        string program = Path.GetFullPath(Path.Combine(here, "..", "..", "GlobalCache.Master", Path.GetFileName(here), "globalcache-master"));
        return new MasterUnderLoad(Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!);
    }

    /// <summary>It has said where its dashboard is.</summary>
    public async Task ReadyAsync()
    {
        try
        {
            await _ready.Task.WaitAsync(TimeSpan.FromMinutes(1));
        }
        catch (TimeoutException e)
        {
            throw new InvalidOperationException($"The master did not start: {string.Join(" | ", _said)}", e);
        }
    }

    /// <summary>User and system time so far.</summary>
    public double CpuSeconds()
    {
        string stat = File.ReadAllText($"/proc/{_process.Id}/stat");
        string[] after = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(after[11], CultureInfo.InvariantCulture) + long.Parse(after[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Resident memory.</summary>
    public double RssMegabytes()
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null) return;
        lock (_said) if (_said.Count < 50) _said.Add(line);
        if (line.Contains("dashboard on", StringComparison.Ordinal)) _ready.TrySetResult();
    }
}

/// <summary>The private listener of all simulated nodes at once: whatever they are ordered, they take.</summary>
internal sealed class OrderTaker(WebApplication web) : IAsyncDisposable
{
    public static async Task<OrderTaker> StartAsync(int port)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Any, port));
        WebApplication web = builder.Build();
        web.Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });
        await web.StartAsync();
        return new OrderTaker(web);
    }

    public ValueTask DisposeAsync() => web.DisposeAsync();
}
