using GlobalCache.Office.Enrolment;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>
/// Node certificates that are good no more (SECURITY §2: a stolen key serves until it is denied). An entry stays for as long as the certificate could be good by any
/// clock, so there are as many as the operator retires nodes in two days. Pure.
/// </summary>
internal static class Denials
{
    /// <summary>The document with this certificate denied, and without those that have expired; the same one where it is so already.</summary>
    public static ControlDocument With(ControlDocument document, string serial, DateTimeOffset now)
    {
        if (serial.Length == 0 || document.DeniedSerials.Any(d => d.Serial == serial)) return document;
        DateTimeOffset until = now + GridAuthority.NodeLifetime;
        return document with
        {
            DeniedSerials = [.. document.DeniedSerials.Where(d => now < d.Until).OrderByDescending(d => d.Until).Take(ControlDocument.MaxSerials - 1), new DeniedCertificate { Serial = serial, Until = until }],
        };
    }

    /// <summary>What clients are told.</summary>
    public static IReadOnlyList<string> Of(ControlDocument? document, DateTimeOffset now) =>
        document is { DeniedSerials.Count: > 0 } ? [.. document.DeniedSerials.Where(d => now < d.Until).Select(d => d.Serial)] : [];
}
