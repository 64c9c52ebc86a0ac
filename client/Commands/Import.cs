using GlobalCache.Client.Edge;
using GlobalCache.Client.Imports;
using GlobalCache.Policy.Assets;
using Spectre.Console;

namespace GlobalCache.Client.Commands;

/// <summary>
/// <c>globalcache import</c>: the owner of a world puts its assets into the cache grid before anybody has met them. Only a client whose word alone is enough there
/// may (<c>trust CLIENT on</c>): what is put in was received from no grid, and nobody could vouch for it.
/// </summary>
internal sealed class Import(ClientOptions options, IAnsiConsole console, TimeProvider time)
{
    public const string Command = "import", Oar = "oar", Folder = "folder", Watch = "watch";

    private const int MostFaultsShown = 20;
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(5), s_session = TimeSpan.FromSeconds(30), s_look = TimeSpan.FromMilliseconds(100);

    private int _faults;

    /// <summary>0 all of it is there now; 1 some of it is not what its name says, or was refused, or it was ended before the end.</summary>
    /// <exception cref="CannotStartException">With one sentence: it cannot be done as told.</exception>
    public async Task<int> RunAsync(string? oar, string? folder, bool watch, CancellationToken stop)
    {
        string world = Judge(oar, folder, watch);
        await using MemberLine line = await MemberLine.OpenAsync(Command, "import", options, time, stop);
        line.Session.Start();
        await SessionAsync(line, stop);
        var import = new GridImport(new ClaimCalls(new SignedRequests(line.Nodes, line.Connections, line.Session, time)), line.Session.Identity.ClientId!, world, Fault, time);
        if (watch)
        {
            await FollowAsync(folder!, import, stop);
            console.WriteLine(Said(import.Tally));
            return import.Tally.Faulty > 0 ? 1 : 0;
        }
        bool whole = true;
        try
        {
            await console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new ElapsedTimeColumn()).StartAsync(shown =>
            {
                ProgressTask task = shown.AddTask("Reading", maxValue: 1);
                return oar is not null ? ArchiveAsync(oar, import, task, stop) : OnceAsync(folder!, import, task, stop);
            });
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            whole = false;
        }
        console.WriteLine(whole ? Said(import.Tally) : $"Ended before the end: {Said(import.Tally)} What it has the cache grid keeps: type the same again for the rest.");
        return whole && import.Tally.Faulty == 0 ? 0 : 1;
    }

    private string Judge(string? oar, string? folder, bool watch)
    {
        if ((oar is null) == (folder is null)) throw Wrong("say either --oar FILE or --folder FOLDER: where the assets are");
        if (watch && folder is null) throw Wrong("--watch goes with --folder: an archive does not change");
        if (oar is not null && !File.Exists(oar)) throw Wrong($"--oar {oar} names no file");
        if (folder is not null && !Directory.Exists(folder)) throw Wrong($"--folder {folder} names no folder");
        if (options.Share is not [var world]) throw Wrong("say --share NAME with the one world that these assets are of");
        return world == GridId.SecondLife ? throw Wrong("Second Life's assets are its residents', who have agreed to no such thing: import is for a world of your own") : world;
    }

    private async Task SessionAsync(MemberLine line, CancellationToken stop)
    {
        long since = time.GetTimestamp();
        while (line.Session.Token is null || line.Nodes.Addresses.Count == 0)
        {
            if (time.GetElapsedTime(since) > s_session) throw Wrong($"the cache grid gives no session ({line.Troubles.Now ?? "no node of it was found"}): try again");
            await Task.Delay(s_look, time, stop);
        }
    }

    private static async Task ArchiveAsync(string oar, GridImport import, ProgressTask task, CancellationToken stop)
    {
        try
        {
            await using FileStream file = File.OpenRead(oar);
            task.MaxValue = Math.Max(file.Length, 1);
            await foreach (ImportedAsset asset in OpenSimArchive.ReadAsync(file, stop))
            {
                await import.AddAsync(asset, stop);
                task.Value = file.Position;
                task.Description = Said(import.Tally);
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or NotSupportedException)
        {
            await import.FlushAsync(stop);
            throw Wrong($"--oar {oar} is no archive of OpenSimulator's, or a damaged one ({e.Message}). Of what came before: {Said(import.Tally)}");
        }
        await import.FlushAsync(stop);
    }

    private async Task OnceAsync(string folder, GridImport import, ProgressTask task, CancellationToken stop)
    {
        FoundFile[] found = [.. Look(folder)];
        task.MaxValue = Math.Max(found.Length, 1);
        foreach (FoundFile file in found)
        {
            if (await AssetFolder.ReadAsync(file.Path, stop) is { } asset) await import.AddAsync(asset, stop);
            else Fault(file.Path, "it cannot be read");
            task.Increment(1);
            task.Description = Said(import.Tally);
        }
        await import.FlushAsync(stop);
    }

    /// <summary>Until it is told to stop. A cache grid that cannot be asked is asked again at the next look.</summary>
    private async Task FollowAsync(string folder, GridImport import, CancellationToken stop)
    {
        var watch = new FolderWatch();
        string said = "";
        console.WriteLine($"Watching {folder}. Ctrl-C ends it.");
        try
        {
            while (true)
            {
                string now;
                try
                {
                    // What could not be sent the last time comes first.
                    await import.FlushAsync(stop);
                    foreach (string path in watch.Look(Look(folder)))
                    {
                        ImportedAsset? asset = await AssetFolder.ReadAsync(path, stop);
                        watch.Took(path);
                        if (asset is null) Fault(path, "it cannot be read");
                        else await import.AddAsync(asset, stop);
                    }
                    await import.FlushAsync(stop);
                    now = import.Tally.Seen > 0 ? Said(import.Tally) : "";
                }
                catch (CannotStartException e)
                {
                    now = e.Message;
                }
                if (now != said) console.WriteLine(said = now);
                await Task.Delay(s_every, time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop: the sum is said.
        }
    }

    private static IEnumerable<FoundFile> Look(string folder)
    {
        try
        {
            return [.. AssetFolder.Look(folder)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Wrong($"--folder {folder} cannot be read ({e.Message})");
        }
    }

    private void Fault(string file, string why)
    {
        if (_faults++ < MostFaultsShown) console.WriteLine($"{file}: {why}.");
        else if (_faults == MostFaultsShown + 1) console.WriteLine("… and more of them.");
    }

    private static string Said(ImportTally tally) =>
        $"{tally.Sent} sent ({Shown.Bytes(tally.SentBytes)}), {tally.There} there already, {tally.Faulty} not taken.";

    private static CannotStartException Wrong(string sentence) => new($"import: {sentence}.");
}
