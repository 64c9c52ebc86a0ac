namespace GlobalCache.Client.Store;

/// <summary>The store's events, 4000 – 4099. No asset is ever named.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(4000, LogLevel.Information, "Local store {folder}: {count} assets, {bytes} of {budget} bytes.")]
    public static partial void StoreOpened(ILogger log, string folder, int count, long bytes, long budget);

    [LoggerMessage(4001, LogLevel.Information, "Local store swept: {files} files without an entry deleted, {rows} entries without a file dropped.")]
    public static partial void Swept(ILogger log, int files, int rows);

    [LoggerMessage(4002, LogLevel.Warning, "The local store's index is damaged and is built anew; its assets will be fetched again.")]
    public static partial void IndexRebuilt(ILogger log, Exception reason);

    [LoggerMessage(4003, LogLevel.Warning, "A damaged asset was dropped from the local store ({reason}).")]
    public static partial void DamagedDropped(ILogger log, string reason);

    [LoggerMessage(4004, LogLevel.Warning, "The local store cannot be written; assets are passed on without being kept until it can. ({reason})")]
    public static partial void WriteFailed(ILogger log, string reason);

    [LoggerMessage(4005, LogLevel.Information, "The local store can be written again.")]
    public static partial void WritesAgain(ILogger log);

    [LoggerMessage(4006, LogLevel.Warning, "The disk of the local store did not answer within {deadline}; the grid is asked instead.")]
    public static partial void DiskSlow(ILogger log, TimeSpan deadline);

    [LoggerMessage(4007, LogLevel.Warning, "The store {folder} was written by a later version of this program and is left as it is; this one keeps its own in {own}, {budget} bytes at most, until that one runs again. Delete {own} then.")]
    public static partial void LaterStore(ILogger log, string folder, string own, long budget);
}
