using System.Diagnostics;
using GlobalCache.Office.Stores;

namespace GlobalCache.Node.Serving;

/// <summary>
/// The store as this node writes to it: whoever writes under <c>a/</c>, by whatever part of the node, has the asset forgotten in memory before the
/// write is told to be done. So nothing is served here after its withdrawal has been acknowledged here.
/// </summary>
internal sealed class WatchedStore(IObjectStore store) : IObjectStore
{
    private const string Assets = "a/";

    /// <summary>Told of the names of assets whose object may have changed.</summary>
    public Action<string> Changed { get; set; } = _ => { };

    public async ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
    {
        using Activity? trace = NodeTraces.Source.StartActivity("store.get", ActivityKind.Client);
        return await store.GetAsync(name, ct);
    }

    public async ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct)
    {
        using Activity? trace = NodeTraces.Source.StartActivity("store.peek", ActivityKind.Client);
        return await store.PeekAsync(name, first, ct);
    }

    public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
    {
        using Activity? trace = NodeTraces.Source.StartActivity("store.put", ActivityKind.Client);
        try
        {
            return await store.PutAsync(name, bytes, ifMatch, ct);
        }
        finally
        {
            // Refused or in trouble too: somebody else may have written, or we without being told.
            if (name.StartsWith(Assets, StringComparison.Ordinal)) Changed(name[Assets.Length..]);
        }
    }
}
