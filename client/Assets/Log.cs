namespace GlobalCache.Client.Assets;

/// <summary>Log events 3000–3999. No UUIDs, no URLs: what somebody looked at is nobody's business (SECURITY §7).</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Debug, "A {Type} of {Length} bytes was not kept: {Reason}")]
    public static partial void NotKept(ILogger log, string type, int length, string reason);

    [LoggerMessage(3001, LogLevel.Debug, "An asset host could not be asked, or broke off: {Reason}")]
    public static partial void HostFailed(ILogger log, string reason);

    [LoggerMessage(3002, LogLevel.Debug, "A stored asset could not be read in time; the grid is asked")]
    public static partial void StoreMissed(ILogger log);

    [LoggerMessage(3003, LogLevel.Debug, "An asset host's answer contradicts an earlier one")]
    public static partial void Contradiction(ILogger log);

    [LoggerMessage(3004, LogLevel.Error, "A background task of the asset relay failed")]
    public static partial void BackgroundFailed(ILogger log, Exception exception);
}
