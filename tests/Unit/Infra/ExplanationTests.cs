using GlobalCache.Infra;
using GlobalCache.Policy.Cloud;
using Pulumi;

namespace GlobalCache.Tests.Infra;

/// <summary>What a preview says about power and money.</summary>
public sealed class ExplanationTests
{
    private static readonly Settings s_settings = SettingsFile.Read("one", SampleRun.Config(), out _)!;

    [Fact]
    public void It_is_said_before_anything_is_declared()
    {
        Recording preview = SampleRun.Run(isPreview: true);
        Assert.StartsWith("At most 8 nodes, ", preview.Said[0], StringComparison.Ordinal);
    }

    [Fact]
    public void The_sums_are_those_of_the_policy()
    {
        // 8 nodes of the dearest type, 0.1207 each, are less than the 1 an hour that may be spent; a day's 192 hours of nodes are the bound of a month.
        Costs costs = Costs.Of(s_settings);
        Assert.Equal((8 * 0.1207m) + 0.024m, costs.Hour);
        Assert.Equal(((192 * 0.1207m) + (24 * 0.024m)) * 31, costs.Month);
        Assert.Equal((33 * 0.1207m) + 0.024m, costs.WorstHour);
        Assert.Contains("At most 8 nodes, 0.99 USD an hour, 736.26 USD a month", Explanation.Of(s_settings), StringComparison.Ordinal);
        Assert.Contains("at most 33 machines fit into the nodes' subnets (10.77.0.0/28, 10.77.0.16/28, 10.77.0.32/28)", Explanation.Of(s_settings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"scaling":{"spendPerHour":0.5}}""", 0.5)]
    [InlineData("""{"scaling":{"spendPerHour":0,"min":2}}""", 0.2414)]
    [InlineData("""{"scaling":{"max":3}}""", 0.3621)]
    public void A_cap_is_a_cap_and_the_least_nodes_run_whatever_it_says(string policy, double nodes) =>
        Assert.Equal((decimal)nodes + 0.024m, Costs.Of(SettingsFile.Read("one", SampleRun.Config(("globalcache:policy", policy)), out _)!).Hour);

    [Fact]
    public void Every_example_is_as_the_text_says()
    {
        CloudNames names = StackNames.Beforehand(s_settings);
        Assert.True(new CloudNamesValidator().Validate(names).IsValid);
        IamDocument[] documents = [IamDocuments.MasterFleet(s_settings.Policy.Fleet, names), IamDocuments.MasterState(names)];
        Assert.All(Explanation.Allowed(s_settings.Policy.Fleet, names), e => Assert.True(IamEvaluator.Evaluate(documents, e.Call).IsAllowed, e.What));
        Assert.All(Explanation.Refused(s_settings.Policy.Fleet, names), e => Assert.False(IamEvaluator.Evaluate(documents, e.Call).IsAllowed, e.What));
        Assert.Contains("  refused  launch a p5.48xlarge  (Launch: StringEquals ec2:InstanceType)", Explanation.Of(s_settings), StringComparison.Ordinal);
        Assert.Contains("  allowed  launch a c6i.large as a node  (Launch)", Explanation.Of(s_settings), StringComparison.Ordinal);
    }
}
