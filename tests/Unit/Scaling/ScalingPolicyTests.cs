using System.Reflection;
using System.Text;
using FluentValidation.Results;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Scaling;

/// <summary>The constants of SCALING §§2 – 4 as a policy.</summary>
public sealed class ScalingPolicyTests
{
    public static TheoryData<string> Properties => [.. typeof(ScalingPolicy).GetProperties().Where(p => p.Name != nameof(ScalingPolicy.Life)).Select(p => p.Name)];

    public static TheoryData<string> LifeProperties => [.. typeof(LifePolicy).GetProperties().Select(p => p.Name)];

    [Fact]
    public void The_defaults_are_valid()
    {
        ValidationResult result = new ScalingPolicyValidator().Validate(new ScalingPolicy());
        Assert.True(result.IsValid, string.Join(' ', result.Errors));
        Assert.Equal(TimeSpan.FromSeconds(205), new ScalingPolicy().Horizon());
    }

    [Fact]
    public void A_node_stays_a_third_of_the_longest_drain_unless_told_otherwise_and_never_less_than_the_ttl()
    {
        TimeSpan ttl = TimeSpan.FromSeconds(60);
        Assert.Equal(TimeSpan.FromMinutes(10), new LifePolicy().StaysAtLeast(ttl));
        Assert.Equal(ttl, new LifePolicy { DrainLeast = TimeSpan.Zero }.StaysAtLeast(ttl));
        Assert.Equal(TimeSpan.FromMinutes(20), new LifePolicy { DrainLeast = TimeSpan.FromMinutes(20) }.StaysAtLeast(ttl));
    }

    [Fact]
    public void It_survives_the_file_people_edit()
    {
        GridPolicy policy = new() { Scaling = new() { Max = 17, Tick = TimeSpan.FromSeconds(2), SpendPerDay = 12.34m, Life = new() { DrainQuiet = TimeSpan.FromSeconds(7) } } };
        Assert.Equal(policy.Scaling, GridPolicy.Parse(Encoding.UTF8.GetBytes(policy.ToJson())).Scaling);
    }

    [Theory]
    [MemberData(nameof(Properties))]
    public void Every_constant_has_bounds(string name) => HasBounds(new ScalingPolicyValidator().Validate, new ScalingPolicy(), name);

    [Theory]
    [MemberData(nameof(LifeProperties))]
    public void Every_constant_of_a_nodes_life_has_bounds(string name) => HasBounds(new LifePolicyValidator().Validate, new LifePolicy(), name);

    // A record's property set through its own setter; init is a matter of the compiler.
    private static void HasBounds<T>(Func<T, ValidationResult> validate, T policy, string name)
    {
        PropertyInfo property = typeof(T).GetProperty(name)!;
        object[] beyond = property.GetValue(policy) switch
        {
            int => [-1, int.MaxValue],
            double => [-0.01, double.MaxValue, double.NaN],
            decimal => [-1m, decimal.MaxValue],
            TimeSpan or null => [TimeSpan.FromSeconds(-1), TimeSpan.MaxValue],
            var other => throw new InvalidOperationException($"{name} is {other}: what are its bounds?"),
        };
        object? good = property.GetValue(policy);
        foreach (object bad in beyond)
        {
            property.SetValue(policy, bad);
            Assert.Contains(validate(policy).Errors, e => e.PropertyName == name);
        }

        property.SetValue(policy, good);
        Assert.True(validate(policy).IsValid);
    }
}
