using System.Diagnostics;
using System.Text.Json;
using GlobalCache.Client;
using GlobalCache.Master;
using GlobalCache.Node;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Commands;

/// <summary>With <c>--log-json</c> every line on standard error is an object with its time, level, number and message, of each of the three programs.</summary>
public sealed class JsonLogTests
{
    [Theory]
    [InlineData("client", "--port", "0", "--login-uri", "http://127.0.0.1:1/")]
    [InlineData("node", "--listen", "127.0.0.1:0", "--private", "127.0.0.1:0", "--drain", "0", "--data", "DATA")]
    [InlineData("master", "--listen", "127.0.0.1:0", "--private", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--nodes", "127.0.0.1", "--data", "DATA")]
    public async Task Every_line_is_an_object(string program, params string[] args)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are Unix");
        using var folder = new TemporaryFolder();
        string assembly = program switch { "client" => typeof(ClientApp).Assembly.Location, "node" => typeof(NodeApp).Assembly.Location, _ => typeof(MasterApp).Assembly.Location };
        var start = new ProcessStartInfo("dotnet", [assembly, .. args.Select(a => a == "DATA" ? Path.Combine(folder.Path, "data") : a), "--verbose", "--log-json"]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["XDG_CONFIG_HOME"] = start.Environment["XDG_DATA_HOME"] = folder.Path;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await Task.Delay(200, TestContext.Current.CancellationToken);
        using (Process kill = Process.Start("kill", $"-TERM {process.Id}")) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string said = await error;
        SecretWatch.Hear(said);
        string[] lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        foreach (string line in lines)
        {
            JsonElement one = JsonDocument.Parse(line).RootElement;
            Assert.EndsWith("Z", one.GetProperty("Timestamp").GetString(), StringComparison.Ordinal);
            Assert.True(one.GetProperty("EventId").GetInt32() > 0 || one.GetProperty("Category").GetString()!.StartsWith("Microsoft", StringComparison.Ordinal), line);
            Assert.NotEmpty(one.GetProperty("LogLevel").GetString()!);
            Assert.NotEmpty(one.GetProperty("Message").GetString()!);
        }
    }
}
