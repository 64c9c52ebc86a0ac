namespace GlobalCache.Client.Store;

/// <summary>Where the local store lies and how large it may become.</summary>
/// <param name="Folder">Its folder, created if missing; used by one client at a time.</param>
/// <param name="BudgetBytes">All it may take on disk, index included. Default 10 GB; at least <see cref="SmallestBudgetBytes"/>.</param>
internal sealed record StoreOptions(string Folder, long BudgetBytes = StoreOptions.DefaultBudgetBytes)
{
    /// <summary>10 GB.</summary>
    public const long DefaultBudgetBytes = 10_000_000_000;

    /// <summary>256 MB: what a store beside a later version's takes, whose own budget is spent already.</summary>
    public const long BesideBudgetBytes = 256_000_000;

    /// <summary>Below this the index alone could fill it.</summary>
    public const long SmallestBudgetBytes = 8 << 20;

    /// <summary>
    /// A read slower than this ends as "not held": <see cref="GlobalCache.Policy.ClientLimits.LocalReadDeadline"/>. The store itself enforces it.
    /// </summary>
    public TimeSpan ReadDeadline { get; init; } = new GlobalCache.Policy.ClientLimits().LocalReadDeadline;

    /// <summary>One held file is read and checked every so often. Default 5 s: half a million in a month.</summary>
    public TimeSpan ScrubPeriod { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>The store cannot be used: one sentence that says what and how to mend it, for the person who started the client.</summary>
internal class StoreUnusableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The store is a later version's, which goes on with it when it is run again. Nothing in the folder has been changed.</summary>
internal sealed class LaterStoreException(string folder)
    : StoreUnusableException($"The store folder {folder} was written by a later version of this program: run that one, or give this one its own folder with --store.");
