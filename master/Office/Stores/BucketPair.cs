namespace GlobalCache.Office.Stores;

/// <summary>
/// A node's view of a grid in AWS: what the master writes lies in a bucket that keeps old versions, assets and records in one that keeps none, so that a takedown removes bytes.
/// </summary>
/// <param name="assets">Everything else.</param>
/// <param name="state"><c>control/</c> and <c>m/</c>.</param>
internal sealed class BucketPair(S3Store assets, S3Store state) : IObjectStore, IDisposable
{
    public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => Of(name).GetAsync(name, ct);

    public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => Of(name).PeekAsync(name, first, ct);

    public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct) => Of(name).PutAsync(name, bytes, ifMatch, ct);

    public void Dispose()
    {
        assets.Dispose();
        state.Dispose();
    }

    private S3Store Of(string name) => name.StartsWith("control/", StringComparison.Ordinal) || name.StartsWith("m/", StringComparison.Ordinal) ? state : assets;
}
