using GlobalCache.Policy;

namespace GlobalCache.Tests.Cloud;

public sealed class FleetPolicyTests
{
    private static readonly FleetPolicyValidator s_rules = new();

    [Fact]
    public void The_defaults_are_valid_and_survive_the_policy_file()
    {
        var policy = new GridPolicy();
        Assert.True(new GridPolicyValidator().Validate(policy).IsValid);
        GridPolicy read = GridPolicy.Parse(System.Text.Encoding.UTF8.GetBytes(policy.ToJson()));
        Assert.Equal(policy.ToJson(), read.ToJson());
        Assert.Equal(policy.Fleet.Types, read.Fleet.Types);
    }

    [Fact]
    public void The_default_fleet_fits_into_the_default_spend_caps()
    {
        var policy = new GridPolicy();
        decimal dearest = policy.Scaling.Max * policy.Fleet.Types.Max(t => t.PricePerHour);
        Assert.True(dearest <= policy.Scaling.SpendPerHour, $"{dearest}");
        Assert.True(dearest * 24 <= policy.Scaling.SpendPerDay, $"{dearest * 24}");
    }

    [Theory]
    [InlineData("*")]
    [InlineData("c6i.*")]
    [InlineData("c6i")]
    [InlineData("")]
    [InlineData("C6I.LARGE")]
    public void A_type_that_is_no_plain_name_is_refused(string name) =>
        Assert.False(s_rules.Validate(new FleetPolicy { Types = [new NodeType { Name = name, PricePerHour = 1 }] }).IsValid);

    [Fact]
    public void Every_range_is_held_and_all_that_is_wrong_is_told_at_once()
    {
        var wrong = new FleetPolicy { Currency = "dollars", Types = [], Zones = 0, VolumeGigabytes = 4, OrphanHours = 0, LinkBytesPerSecond = 1 };
        Assert.Equal(6, s_rules.Validate(wrong).Errors.Count);
        NodeType twice = new() { Name = "c6i.large", PricePerHour = -1, Processors = 0, LinkBytesPerSecond = 0 };
        Assert.Equal(1 + (2 * 3), s_rules.Validate(new FleetPolicy { Types = [twice, twice] }).Errors.Count);
    }

    [Fact]
    public void What_is_not_listed_costs_as_much_as_the_dearest_and_has_the_general_link()
    {
        var policy = new FleetPolicy { LinkBytesPerSecond = 5000 };
        Assert.Equal(0.085m, policy.PricePerHour("c6i.large"));
        Assert.Equal(0.1008m, policy.PricePerHour(""));
        Assert.Equal(5000, policy.LinkOf("x1.huge"));
        Assert.Equal(97_600_000, policy.LinkOf("c6i.large"));
    }
}
