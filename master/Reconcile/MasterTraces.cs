using System.Diagnostics;

namespace GlobalCache.Master.Reconcile;

/// <summary>What the master tells of its work where somebody listens (docs/OBSERVABILITY.md): <c>pass</c>, and below it each effect, such as <c>launch</c>, with <c>gc.node</c>.</summary>
internal static class MasterTraces
{
    /// <summary>Of the traces and of the meter.</summary>
    public const string Name = "GlobalCache.Master";

    public static readonly ActivitySource Source = new(Name);
}
