using GlobalCache.Live.Processes;

namespace GlobalCache.Live;

/// <summary>Looks every second how much memory each process holds.</summary>
internal sealed class MemoryWatch(Town town)
{
    private const long MiB = 1 << 20;

    // Far above what each needs, far below what a leak comes to: the client's store is 100 MB and the node's cache 64 MB, and what is mapped of files counts too.
    private const long ClientMost = 600 * MiB, NodeMost = 500 * MiB, MasterMost = 400 * MiB;

    private readonly Dictionary<string, (long Most, long Last)> _seen = new(StringComparer.Ordinal);

    /// <summary>By kind of process: the most that one of them held, and what one held last; MiB.</summary>
    public IReadOnlyDictionary<string, (long Most, long Last)> Seen => _seen;

    public async Task RunAsync(CancellationToken over)
    {
        while (await town.Clock.WaitAsync(TimeSpan.FromSeconds(1), over))
        {
            foreach (ClientProgram client in town.Clients) Look("clients", client.Id, ClientMost);
            foreach (int pid in town.Nodes.Values) Look("nodes", pid, NodeMost);
            Look("master", town.Master.Id, MasterMost);
        }
    }

    private void Look(string kind, int? pid, long most)
    {
        if (pid is not { } id || ProcessTable.Look(id) is not { } held) return;
        (long Most, long _) seen = _seen.GetValueOrDefault(kind);
        _seen[kind] = (Math.Max(seen.Most, held.Resident / MiB), held.Resident / MiB);
        town.Book.Check(Book.BoundedMemory, held.Resident <= most, $"one of the {kind} holds {held.Resident / MiB} MiB");
    }
}
