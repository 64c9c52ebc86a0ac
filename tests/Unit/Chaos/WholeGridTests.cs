using System.Diagnostics;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Chaos;

/// <summary>
/// The whole grid in one seeded process, for a simulated hour of a fixed seed; longer runs by hand (docs/TESTING.md). A process of its own, since all of it happens on
/// the pool's only thread.
/// </summary>
public sealed class WholeGridTests
{
    [Fact]
    public async Task Nothing_that_goes_wrong_breaks_a_promise_and_a_seed_is_the_same_run_every_time()
    {
        using var folder = new TemporaryFolder();
        string log = Path.Combine(folder.Path, "log");
        Task<string> one = RunAsync("--seed", "4", "--hours", "1", "--harshness", "3", "--log", log), again = RunAsync("--seed", "4", "--hours", "1", "--harshness", "3");
        string first = await one, second = await again;
        string[] lines = await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken);
        Assert.NotEmpty(lines);
        foreach (string line in lines) SecretWatch.Hear(line);
        Assert.DoesNotContain("BROKEN", first, StringComparison.Ordinal);
        Assert.Equal(HashIn(first), HashIn(second));
        // Something has gone wrong, and everything has been looked at.
        Assert.Matches("node killed [1-9]", first);
        Assert.Matches("InTime [1-9]", first);
        Assert.Matches("RightBytes [1-9]", first);
        Assert.Matches("NothingWrongPublished [1-9]", first);
        Assert.Matches("LimitsKept [1-9]", first);
        Assert.Matches("NameKept [1-9]", first);
        Assert.Matches("[1-9][0-9]* ended by order", first);
        Assert.Matches("BoundedMemory [1-9]", first);
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "GlobalCache.Chaos.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            string said = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            Assert.True(process.ExitCode == 0, said);
            return said;
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private static string HashIn(string report) => report[report.IndexOf("hash ", StringComparison.Ordinal)..].Split('\n')[0];
}
