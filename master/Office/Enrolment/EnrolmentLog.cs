namespace GlobalCache.Office.Enrolment;

/// <summary>What is logged of enrolment: ids, and never a code, a key, a token or an address.</summary>
internal static partial class EnrolmentLog
{
    [LoggerMessage(4101, LogLevel.Information, "Client {Client} is enrolled")]
    public static partial void Enrolled(this ILogger log, string client);

    [LoggerMessage(4103, LogLevel.Warning, "Enrolment answers 503: {Reason}")]
    public static partial void InTrouble(this ILogger log, string reason);
}
