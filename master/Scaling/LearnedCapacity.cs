using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// What one node can serve, learned from its own reports: requests a second divided by the load they made, a moving mean. The load is the tightest of CPU,
/// egress and requests in flight, so a fleet whose assets are large learns that its nodes are full early.
/// </summary>
internal static class LearnedCapacity
{
    /// <summary>What is believed after one more report.</summary>
    /// <param name="before">What was believed; null: nothing yet.</param>
    /// <param name="requestsPerSecond">The node's own figure.</param>
    /// <param name="load">The node's own figure, 1: full. One that is too low says little, one that is too high only that there is more than it can do.</param>
    /// <param name="policy">Its <see cref="ScalingPolicy.LearnWeight"/> and the bounds beside it.</param>
    public static double Next(double? before, double requestsPerSecond, double load, ScalingPolicy policy)
    {
        double known = before is { } b && double.IsFinite(b) ? b : policy.Capacity;
        bool tells = load >= policy.LearnFrom && load <= policy.LearnTo && requestsPerSecond > 0 && double.IsFinite(requestsPerSecond);
        double next = tells ? known + (policy.LearnWeight * ((requestsPerSecond / load) - known)) : known;
        return Math.Clamp(next, policy.Capacity / policy.LearnWithin, policy.Capacity * policy.LearnWithin);
    }

    /// <summary>The capacity of a fleet's typical node: the mean of what is believed of those that serve, the policy's when there are none.</summary>
    public static double OfFleet(IEnumerable<double> nodes, ScalingPolicy policy)
    {
        double sum = 0;
        int count = 0;
        foreach (double one in nodes)
        {
            sum += one;
            count++;
        }

        return count == 0 ? policy.Capacity : sum / count;
    }
}
