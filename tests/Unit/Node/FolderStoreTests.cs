using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Stores;

namespace GlobalCache.Tests.Node;

/// <summary>The store in a folder keeps the contract, between processes too.</summary>
[Collection("load")]
public sealed class FolderStoreTests : ObjectStoreContract, IDisposable
{
    internal const string FolderVariable = "GC_TEST_RACE_FOLDER", RacesVariable = "GC_TEST_RACES";

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-folder-").FullName;

    public FolderStoreTests() => Store = new FolderStore(_folder, TimeProvider.System);

    internal override IObjectStore Store { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Of_eight_processes_one_wins_each_race()
    {
        // The long run by hand: GC_TEST_RACES=10000.
        int races = int.TryParse(Environment.GetEnvironmentVariable(RacesVariable), out int asked) ? asked : 150;
        Process[] racers = [.. Enumerable.Range(0, 8).Select(_ => Start(races))];
        string[] outputs = await Task.WhenAll(racers.Select(p => p.StandardOutput.ReadToEndAsync()));
        for (int i = 0; i < racers.Length; i++)
        {
            await racers[i].WaitForExitAsync();
            Assert.True(racers[i].ExitCode == 0, outputs[i]);
            racers[i].Dispose();
        }
        int[] wins = [.. Directory.GetFiles(_folder, "wins-*").Select(f => int.Parse(File.ReadAllText(f), CultureInfo.InvariantCulture))];
        Assert.Equal(8, wins.Length);
        Assert.Equal(races, wins.Sum());
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "tmp")));
    }

    [Fact]
    public async Task A_folder_that_is_gone_is_trouble_and_no_miss_for_writes()
    {
        string folder = Path.Combine(_folder, "inner");
        var store = new FolderStore(folder, TimeProvider.System);
        Directory.Delete(folder, recursive: true);
        await File.WriteAllTextAsync(folder, "no folder");
        await Assert.ThrowsAsync<StoreTroubleException>(async () => await store.PutAsync(NewName(), new byte[] { 1 }, ifMatch: null, default));
        await Assert.ThrowsAsync<StoreTroubleException>(async () => await store.GetAsync(NewName(), default));
    }

    [Fact]
    public async Task What_was_hashed_once_is_not_read_again_unless_it_may_have_changed()
    {
        string name = NameOf(1), file = Path.Combine(_folder, "a", name[2..4], name[2..]);
        await Store.PutAsync(name, new byte[300], ifMatch: null, default);
        string first = (await Store.GetAsync(name, default))!.ETag;
        DateTime justNow = File.GetLastWriteTimeUtc(file);
        Assert.Equal(first, (await Store.PeekAsync(name, 84, default))!.ETag);
        await Store.PutAsync(name, Enumerable.Repeat((byte)1, 300).ToArray(), first, default);
        File.SetLastWriteTimeUtc(file, justNow);
        string second = (await Store.PeekAsync(name, 84, default))!.ETag;
        Assert.NotEqual(first, second);

        DateTime earlier = justNow - TimeSpan.FromHours(1);
        File.SetLastWriteTimeUtc(file, earlier);
        Assert.Equal(second, (await Store.PeekAsync(name, 84, default))!.ETag);
        await File.WriteAllBytesAsync(file, new byte[300]);
        File.SetLastWriteTimeUtc(file, earlier);
        Assert.Equal(second, (await Store.PeekAsync(name, 84, default))!.ETag);
        File.SetLastWriteTimeUtc(file, earlier + TimeSpan.FromSeconds(1));
        Assert.Equal(first, (await Store.PeekAsync(name, 84, default))!.ETag);
    }

    internal static string NameOf(int race) => $"a/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"race {race}")))}";

    private Process Start(int races) => Process.Start(new ProcessStartInfo("dotnet",
        ["exec", typeof(FolderStoreTests).Assembly.Location, "-noLogo", "-explicit", "only", "-method", $"{typeof(StoreRacer).FullName}.{nameof(StoreRacer.It_races)}"])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        Environment = { [FolderVariable] = _folder, [RacesVariable] = $"{races}" },
    })!;
}

/// <summary>One of the racing processes: this very program, told to run this one method.</summary>
public sealed class StoreRacer
{
    [Fact(Explicit = true)]
    public async Task It_races()
    {
        string folder = Environment.GetEnvironmentVariable(FolderStoreTests.FolderVariable)!;
        int races = int.Parse(Environment.GetEnvironmentVariable(FolderStoreTests.RacesVariable)!, CultureInfo.InvariantCulture), wins = 0;
        var store = new FolderStore(folder, TimeProvider.System);
        byte[] mine = Guid.NewGuid().ToByteArray(bigEndian: true);
        for (int race = 0; race < races; race++)
        {
            if (await store.PutAsync(FolderStoreTests.NameOf(race), mine, ifMatch: null, default) != PutResult.Written) continue;
            wins++;
            Assert.Equal(mine, (await store.GetAsync(FolderStoreTests.NameOf(race), default))!.Bytes.ToArray());
        }
        await File.WriteAllTextAsync(Path.Combine(folder, $"wins-{Environment.ProcessId}"), $"{wins}");
    }
}
