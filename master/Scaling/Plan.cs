using System.Runtime.InteropServices;

namespace GlobalCache.Master.Scaling;

/// <summary>What is seen of a fleet at one tick, over all its nodes.</summary>
/// <param name="RequestsPerSecond">Demand; of a silent node its last figure. Not a number when nothing is known.</param>
/// <param name="Serving">Nodes that are to serve and do.</param>
/// <param name="Booting">Nodes on their way to serve: asked for, booting, warming.</param>
/// <param name="Draining">Nodes on their way out, that could still be called back.</param>
/// <param name="Capacity">Requests a second one node serves at load 1 (<see cref="LearnedCapacity"/>).</param>
/// <param name="Silent">Of those that serve, how many have not reported for longer than the policy's silence.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Observation(double RequestsPerSecond, int Serving, int Booting, int Draining, double Capacity, int Silent);

/// <summary>Whether the fleet changes.</summary>
internal enum PlanKind
{
    /// <summary>It stays as it is.</summary>
    Stay,

    /// <summary>It grows: draining nodes are called back, the newest drained first, then others are launched.</summary>
    Out,

    /// <summary>It shrinks: the nodes with the least traffic are drained.</summary>
    In,

    /// <summary>Nothing is known, so nothing is done; somebody must look.</summary>
    Frozen,
}

/// <summary>What is to become of a fleet, and why.</summary>
/// <param name="Target">How many nodes are to serve or be on their way to.</param>
/// <param name="Kind">Whether that is a change.</param>
/// <param name="Reason">One sentence for people, shown alike in log, history and dashboard.</param>
internal sealed record Plan(int Target, PlanKind Kind, string Reason);
