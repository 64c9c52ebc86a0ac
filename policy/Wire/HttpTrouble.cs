namespace GlobalCache.Policy.Wire;

/// <summary>Why a call over HTTP has failed, for a log.</summary>
public static class HttpTrouble
{
    /// <summary>In a few words, none of which are the answer's own: .NET quotes what it cannot read, and that may be a header with a key or a piece of an asset.</summary>
    public static string Reason(Exception e)
    {
        ArgumentNullException.ThrowIfNull(e);
        return e is OperationCanceledException ? "no answer in time"
            : IsUnreadable(e) || IsUnreadable(e.InnerException) ? "an answer that is not HTTP"
            : (e.InnerException ?? e).Message;
    }

    private static bool IsUnreadable(Exception? e) =>
        e is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } or HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse };
}
