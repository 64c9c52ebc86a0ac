using GlobalCache.Client.Store;
using Spectre.Console;

namespace GlobalCache.Client.Commands;

/// <summary><c>globalcache purge</c>: empties the store; with <c>--all</c> nothing is left of this client for its user. Removes what the client has made, and nothing beside it.</summary>
internal sealed class Purge(ClientOptions options, IAnsiConsole console)
{
    public const string Command = "purge", All = "all", Yes = "yes";

    /// <summary>In the store's folder.</summary>
    private static readonly string[] s_store = ["a", "tmp", "index.db", "index.db-wal", "index.db-shm", "figures.json"];

    /// <summary>Beside the keys, by how their names begin.</summary>
    private static readonly string[] s_config = ["store.key", "install.token", "page.token", "globalcache.json", "grid-", "running-"];

    /// <summary>0 done; 1 not wanted after all; 2 it cannot be.</summary>
    /// <exception cref="StoreUnusableException">A client uses it, or a file cannot be removed.</exception>
    public int Run(bool all, bool yes)
    {
        try
        {
            return Remove(all, yes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnusableException($"purge: not everything could be removed ({e.Message}): make it yours to write, and type it once more.", e);
        }
    }

    private int Remove(bool all, bool yes)
    {
        string[] stores = [.. new[] { options.Store, $"{Path.TrimEndingDirectorySeparator(options.Store)}-{StoreIndex.Version}" }.Where(s => File.Exists(Path.Combine(s, "index.db")))];
        string what = all ? $"the store in {options.Store} and all keys, settings and memberships in {options.ConfigFolder}" : $"everything the store in {options.Store} holds";
        if (!yes && !Sure(what)) return 1;
        foreach (string folder in stores)
        {
            // Whoever uses it holds its lock.
            using (ContentFolder.Open(folder))
            {
                foreach (string name in s_store) Remove(Path.Combine(folder, name));
            }
            Remove(Path.Combine(folder, "lock"));
            RemoveIfEmpty(folder);
            // By itself the store lies in a folder of this program's own.
            if (Path.GetDirectoryName(Path.GetFullPath(folder)) is { } parent && Path.GetFileName(parent) == "globalcache") RemoveIfEmpty(parent);
        }
        if (all && Directory.Exists(options.ConfigFolder))
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(options.ConfigFolder).Where(p => s_config.Any(n => Path.GetFileName(p).StartsWith(n, StringComparison.Ordinal))).ToArray())
                Remove(path);
            RemoveIfEmpty(options.ConfigFolder);
        }
        console.WriteLine(all ? $"Gone: {what}. What a cache grid keeps of your membership ends when its owner revokes it." : $"Gone: {what}.");
        return 0;
    }

    private bool Sure(string what)
    {
        if (!console.Profile.Capabilities.Interactive)
        {
            console.WriteLine($"This removes {what}: say --yes if you mean it.");
            return false;
        }
        return console.Prompt(new ConfirmationPrompt($"Remove {what.EscapeMarkup()}?") { DefaultValue = false });
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        else File.Delete(path);
    }

    private static void RemoveIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
    }
}
