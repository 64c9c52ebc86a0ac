using System.Diagnostics;
using System.Globalization;
using GlobalCache.Client.Store;

namespace GlobalCache.Tests.Store;

/// <summary><c>kill -9</c> at random instants while another process puts, drops and evicts: then every asset held reads right.</summary>
[Collection("load")]
public sealed class StoreKillTests : IDisposable
{
    internal const string FolderVariable = "GC_TEST_STORE_FOLDER", BudgetVariable = "GC_TEST_STORE_BUDGET", StartVariable = "GC_TEST_STORE_START";
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1L << 30)]
    [InlineData(StoreOptions.SmallestBudgetBytes)]
    public async Task A_killed_writer_loses_at_most_the_asset_being_written(long budget)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        int start = 0;
        HashSet<int> mayBeGone = [];
        for (int round = 0; round < 4; round++)
        {
            int[] acknowledged = await RunAndKillAsync(start, budget, puts: 20 + RandomNumber(60), pauseMicroseconds: RandomNumber(3000));
            await using AssetStore store = _folder.Open(budget);
            int last = acknowledged[^1];
            // The one being written, and whatever it or those before it dropped.
            mayBeGone.Add(last + 1);
            foreach (int number in acknowledged.Append(last + 1)) if (number % 5 == 4) mayBeGone.Add(number - 4);
            for (int number = 0; number <= last + 1; number++)
            {
                byte[]? bytes = await StoreFolder.ReadAsync(store, number);
                if (bytes is not null) Assert.Equal(StoreFolder.BytesOf(number), bytes);
                // Nothing is evicted from the large store.
                else if (budget > StoreOptions.SmallestBudgetBytes) Assert.Contains(number, mayBeGone);
            }
            Assert.Empty(Directory.GetFiles(Path.Combine(_folder.Store, "tmp")));
            Assert.Equal(store.Count, _folder.Files().Length);
            Assert.Equal(store.BytesOnDisk - (4 << 20), _folder.Files().Sum(f => (new FileInfo(f).Length + 4095) / 4096 * 4096 + 320));
            Assert.InRange(store.BytesOnDisk, 0, budget);
            start = last + 2;
        }
    }

    private async Task<int[]> RunAndKillAsync(int start, long budget, int puts, int pauseMicroseconds)
    {
        string acknowledged = Path.Combine(_folder.Root, "acknowledged");
        File.Delete(acknowledged);
        ProcessStartInfo info = new("dotnet",
            ["exec", typeof(StoreKillTests).Assembly.Location, "-noLogo", "-explicit", "only", "-method", $"{typeof(KilledWriter).FullName}.{nameof(KilledWriter.It_writes_until_it_is_killed)}"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [FolderVariable] = _folder.Root, [BudgetVariable] = $"{budget}", [StartVariable] = $"{start}" },
        };
        using Process child = Process.Start(info)!;
        Task<string> output = child.StandardOutput.ReadToEndAsync(), errors = child.StandardError.ReadToEndAsync();
        try
        {
            await StoreFolder.Until(() => child.HasExited || Lines().Length >= puts);
            await Task.Delay(TimeSpan.FromMicroseconds(pauseMicroseconds));
        }
        finally
        {
            child.Kill();
        }
        await child.WaitForExitAsync();
        Assert.True(child.ExitCode == 137, await output + await errors);       // killed, not failed
        return Lines();

        int[] Lines()
        {
            if (!File.Exists(acknowledged)) return [];
            using FileStream file = new(acknowledged, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using StreamReader reader = new(file);
            string text = reader.ReadToEnd();
            // Half a line is no acknowledgement.
            return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => int.Parse(l, CultureInfo.InvariantCulture))];
        }
    }

    private static int RandomNumber(int below) => System.Security.Cryptography.RandomNumberGenerator.GetInt32(below);
}

/// <summary>The process that is killed: this very program, told to run this one method.</summary>
public sealed class KilledWriter
{
    [Fact(Explicit = true)]
    public async Task It_writes_until_it_is_killed()
    {
        if (Environment.GetEnvironmentVariable(StoreKillTests.FolderVariable) is not { } root) return;
        using StoreFolder folder = new(root);
        AssetStore store = folder.Open(long.Parse(Environment.GetEnvironmentVariable(StoreKillTests.BudgetVariable)!, CultureInfo.InvariantCulture));
        await using StreamWriter acknowledge = new(Path.Combine(root, "acknowledged")) { AutoFlush = true };
        for (int number = int.Parse(Environment.GetEnvironmentVariable(StoreKillTests.StartVariable)!, CultureInfo.InvariantCulture); number < 100_000; number++)
        {
            Assert.True(await StoreFolder.PutAsync(store, number));
            if (number % 5 == 4) store.Drop(StoreFolder.KeyOf(number - 4));
            store.TryOpen(StoreFolder.KeyOf(number - number % 7))?.Dispose();
            await acknowledge.WriteLineAsync($"{number}");
        }
    }
}
