namespace GlobalCache.Client.Caps;

/// <summary>
/// What the login, seed and event queue edges say. Never a body, token, password, session id or URL: capability URLs are secrets too.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Information, "A viewer has logged in through the proxy ({Sessions} now)")]
    public static partial void LoggedIn(ILogger log, int sessions);

    [LoggerMessage(2002, LogLevel.Information, "A viewer's session has ended ({Reason})")]
    public static partial void SessionEnded(ILogger log, string reason);

    [LoggerMessage(2003, LogLevel.Warning, "{Sessions} viewers are logged in already: this one reaches its grid directly, without the cache")]
    public static partial void TooManySessions(ILogger log, int sessions);

    [LoggerMessage(2004, LogLevel.Warning, "A reply to {What} was not understood and goes to the viewer as the grid sent it")]
    public static partial void Unpatched(ILogger log, string what);

    [LoggerMessage(2005, LogLevel.Warning, "A reply to {What} is larger than {Limit} bytes and goes to the viewer as the grid sent it")]
    public static partial void TooLarge(ILogger log, string what, int limit);

    [LoggerMessage(2006, LogLevel.Warning, "The grid could not be reached for {What}: {Error}")]
    public static partial void Unreachable(ILogger log, string what, string error);

    [LoggerMessage(2007, LogLevel.Warning, "{Count} region addresses in events were left as they are; those regions are reached directly")]
    public static partial void Unmapped(ILogger log, int count);

    [LoggerMessage(2008, LogLevel.Warning, "A region's loopback port could not be opened; it is reached directly")]
    public static partial void NoPort(ILogger log);

    [LoggerMessage(2009, LogLevel.Debug, "An event queue did not answer: {Error}")]
    public static partial void EventQueue(ILogger log, string error);

    [LoggerMessage(2010, LogLevel.Information, "A viewer's session goes on where the client before this one left it ({Sessions} now)")]
    public static partial void Resumed(ILogger log, int sessions);

    [LoggerMessage(2011, LogLevel.Warning, "What a restart would need to go on with the viewers' sessions cannot be kept: {Reason}")]
    public static partial void NotKept(ILogger log, string reason);
}
