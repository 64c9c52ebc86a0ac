using GlobalCache.Demo.Founding;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Master;

/// <summary>The founding scenario with real processes and real DNS; every duration of the shipped policy is a thirtieth; but demand rises no faster, since processes take as long to start as ever.</summary>
[Collection("load")]
public sealed class FoundingScenarioTests
{
    [Fact]
    public async Task A_second_node_opens_once_before_the_first_is_full_takes_its_share_and_goes_once_without_a_lost_request()
    {
        Assert.SkipWhen(CachingResolver.Program is null, "unbound is not installed.");
        string folder = Directory.CreateTempSubdirectory("gc-founding-").FullName;
        try
        {
            FoundingResult result = await FoundingRun.RunAsync(folder, new Curve(Warm: 4, Rise: 60, High: 10, Fall: 7, Low: 47, From: 43, Most: 61), hurry: 30, network: 62, TimeProvider.System, logged: SecretWatch.Hear);
            Assert.True(result.RequestsLost == 0, string.Join('\n', result.Failures));
            Assert.Equal(0, result.RequestsShed);
            Assert.Equal(result.RequestsSent, result.RequestsServed);
            Assert.Equal(1, result.Opened);
            Assert.True(result.LoadThen <= 0.92, $"it was in the DNS at {result.LoadThen:0.00} of one node");
            Assert.InRange(result.ShareAtTheTop, 0.25, 0.75);
            Assert.Equal(1, result.Closed);
            Assert.True(result.QuietBeforeTheEnd >= 0, $"ended {-result.QuietBeforeTheEnd} s before its last request");
            Assert.Equal(1, result.Seconds[^1].InDns);
            // Each step, in its order and with its reason.
            string[] steps = [.. result.History.Where(h => h.What is "launch" or "dns" or "mark" or "end").Skip(2).Select(h => h.What)];
            Assert.Equal(["launch", "dns", "mark", "dns", "mark", "end"], steps);
            Assert.All(result.History.Where(h => h.What is "launch" or "mark" or "end" or "decide"), h => Assert.EndsWith(".", h.Reason, StringComparison.Ordinal));
        }
        finally
        {
            SecretWatch.HearNodes(folder);
            Directory.Delete(folder, recursive: true);
        }
    }
}
