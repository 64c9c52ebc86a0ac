namespace GlobalCache.Client.CacheGrid;

/// <summary>Log events 7000–7099. No UUIDs, tokens, keys or codes (SECURITY §7). What is wrong is said once, until the grid has served again.</summary>
internal static partial class Log
{
    [LoggerMessage(7000, LogLevel.Warning, "The cache grid's certificate is not yet or no longer valid: is this machine's clock right? It is {Now:u} here. Assets come from their grid alone")]
    public static partial void Clock(ILogger log, DateTimeOffset now);

    [LoggerMessage(7001, LogLevel.Warning, "A node's certificate is not the cache grid's: is the grid file the right one? ({Reason}) Nothing is asked of it")]
    public static partial void Certificate(ILogger log, string reason);

    [LoggerMessage(7002, LogLevel.Warning, "The node {Node} has sent something that is not what it should be ({Fault}); it is left alone for a while, and no viewer has seen it")]
    public static partial void Lying(ILogger log, System.Net.IPEndPoint node, string fault);

    [LoggerMessage(7003, LogLevel.Warning, "The cache grid cannot be reached ({Reason}); assets come from their grid alone until it can")]
    public static partial void Unreachable(ILogger log, string reason);

    [LoggerMessage(7004, LogLevel.Warning, "The cache grid gives this client no session ({Reason}): it may have been shut out, or the clock may be wrong")]
    public static partial void NoSession(ILogger log, string reason);

    [LoggerMessage(7005, LogLevel.Information, "The cache grid serves")]
    public static partial void Serves(ILogger log);

    [LoggerMessage(7006, LogLevel.Debug, "A lookup failed: {Reason}")]
    public static partial void LookupFailed(ILogger log, string reason);

    [LoggerMessage(7007, LogLevel.Error, "A background task of the cache grid failed")]
    public static partial void BackgroundFailed(ILogger log, Exception exception);

    [LoggerMessage(7008, LogLevel.Warning, "What waits to be claimed could not be written down: {Reason}. It is claimed all the same while the client runs")]
    public static partial void SpoolFailed(ILogger log, string reason);

    [LoggerMessage(7009, LogLevel.Warning, "What waited to be claimed cannot be read and is begun anew")]
    public static partial void SpoolUnreadable(ILogger log);

    [LoggerMessage(7010, LogLevel.Debug, "The cache grid did not take what it was sent: {Status}")]
    public static partial void NotTaken(ILogger log, int status);

    [LoggerMessage(7011, LogLevel.Warning, "The cache grid gave something else than its world gives for one asset; the world's is kept, and the cache grid is told")]
    public static partial void Disputed(ILogger log);

    [LoggerMessage(7012, LogLevel.Warning, "The cache grid has assets in a form that only a later version of this client can read; they come from their grid alone until it is updated")]
    public static partial void Later(ILogger log);

    [LoggerMessage(7013, LogLevel.Warning, "The owner of {World} refuses that its assets are shared: nothing of it is asked of the cache grid or told to it")]
    public static partial void Refused(ILogger log, string world);

    [LoggerMessage(7014, LogLevel.Warning, "That a world's owner refuses sharing could not be written down: after a restart it is asked again before anything is told")]
    public static partial void RefusalNotKept(ILogger log);
}
