namespace GlobalCache.Office.Stores;

/// <summary>One object as it was read. The ETag names these bytes among all that ever lay under the name.</summary>
internal sealed record StoredObject(string ETag, ReadOnlyMemory<byte> Bytes);

/// <summary>What became of a put.</summary>
internal enum PutResult : byte
{
    Written,

    /// <summary>The condition did not hold (S3: 412, or 409 in a race): read again.</summary>
    Refused,
}

/// <summary>The store cannot say: down, slow, throttling, forbidden. Nothing is known about what was asked; ask again later.</summary>
internal sealed class StoreTroubleException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The grid's object store: named objects, whole reads, and only conditional writes (SECURITY §4). Reads see every write that has been
/// answered. There is no list, no delete and no unconditional put. Safe for concurrent use by any number of nodes.
/// </summary>
internal interface IObjectStore
{
    /// <summary>The object, or null when there is none.</summary>
    /// <param name="name">Such as <c>a/…</c>; lower-case letters, digits and slashes.</param>
    /// <param name="ct">Gives up waiting.</param>
    /// <exception cref="StoreTroubleException">Not known whether there is one.</exception>
    ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct);

    /// <summary>As <see cref="GetAsync"/>, with no more than the object's first bytes: enough for its header.</summary>
    ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct);

    /// <summary>Writes an object whole, or not at all.</summary>
    /// <param name="name">As above.</param>
    /// <param name="bytes">Must not change until the task ends.</param>
    /// <param name="ifMatch">The ETag of what is to be replaced; null: only if there is no such object.</param>
    /// <param name="ct">Gives up waiting; the write may happen all the same.</param>
    /// <exception cref="StoreTroubleException">Not known whether it was written: a retry may find its own work and is then refused.</exception>
    ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct);
}
