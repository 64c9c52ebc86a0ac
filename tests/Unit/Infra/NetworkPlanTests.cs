using System.Net;
using CsCheck;
using GlobalCache.Infra;

namespace GlobalCache.Tests.Infra;

/// <summary>The network is cut so that the subnets are the hard cap, and nothing overlaps.</summary>
public sealed class NetworkPlanTests
{
    [Fact]
    public void Every_plan_fits_its_network_holds_its_nodes_and_overlaps_nowhere() =>
        Gen.Select(Gen.Int[1, 1000], Gen.Int[1, 6], Gen.Int[16, 27]).Sample((nodes, zones, prefix) =>
        {
            var whole = IPNetwork.Parse($"10.64.0.0/{prefix}");
            NetworkPlan? plan = NetworkPlan.Of(whole.ToString(), nodes, zones);
            Assert.Equal(prefix <= NetworkPlan.Least(nodes, zones), plan is not null);
            if (plan is null) return;
            IPNetwork[] subnets = [.. plan.Nodes.Append(plan.Master).Select(IPNetwork.Parse)];
            Assert.Equal(zones + 1, subnets.Length);
            // AWS takes /16 to /28, written from the first address, within the network.
            Assert.All(subnets.Zip(plan.Nodes.Append(plan.Master)), s => Assert.True(s.First.ToString() == s.Second && s.First.PrefixLength is >= 16 and <= 28 && whole.Contains(s.First.BaseAddress) && whole.Contains(Last(s.First))));
            Assert.All(subnets, a => Assert.Single(subnets, b => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress)));
            // Room for the nodes and for those being replaced; and no more than a power of two makes of it.
            int room = nodes + ((nodes + 3) / 4) + 2;
            Assert.Equal(plan.Nodes.Sum(s => (1 << (32 - IPNetwork.Parse(s).PrefixLength)) - 5), plan.MostNodes);
            Assert.True(plan.MostNodes >= room);
            Assert.True(plan.MostNodes <= Math.Max(11 * zones, (2 * (room + zones)) + (5 * zones)), $"{plan.MostNodes} for {room}");
        });

    private static IPAddress Last(IPNetwork network)
    {
        byte[] bytes = network.BaseAddress.GetAddressBytes();
        uint last = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) + (1u << (32 - network.PrefixLength)) - 1;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, last);
        return new IPAddress(bytes);
    }
}
