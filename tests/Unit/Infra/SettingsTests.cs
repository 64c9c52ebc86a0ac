using System.Text.Json;
using GlobalCache.Infra;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Infra;

/// <summary>What a stack's file may say, and what is answered to one that cannot be used: everything at once, by the name that stands in the file.</summary>
public sealed class SettingsTests
{
    public static TheoryData<string, string, string> Wrong => new()
    {
        { "globalcache:zoone", "x.example.org", "globalcache:zoone: there is no such setting." },
        { "globalcache:policy", """{"scaling":{"maxx":3}}""", "globalcache:policy.scaling.maxx: there is no such setting." },
        { "globalcache:policy", """{"fleet":{"types":[{"name":"c6i.large","colour":1}]}}""", "globalcache:policy.fleet.types[0].colour: there is no such setting." },
        { "globalcache:policy", """{"grids":[{"authorities":[]}]}""", "globalcache:policy.grids[0].id: it is not set." },
        { "globalcache:policy", """{"scaling":{"max":"many"}}""", "globalcache:policy.scaling.max: 'many' is no whole number in range." },
        { "globalcache:policy", """{"scaling":{"ttl":60.5}}""", "globalcache:policy.scaling.ttl: '60.5' is no time" },
        { "globalcache:policy", """{"scaling":{"ttl":"soon"}}""", "globalcache:policy.scaling.ttl: 'soon' is no time" },
        { "globalcache:policy", """{"scaling":{"min":5,"max":3}}""", "globalcache:policy.scaling.max: " },
        { "globalcache:policy", """{"scaling":{"life":{"drainMost":"00:00:01"}}}""", "globalcache:policy.scaling.life.drainMost: " },
        { "globalcache:policy", """{"vouching":{"regionServed":"perhaps"}}""", "globalcache:policy.vouching.regionServed: 'perhaps' is neither true nor false." },
        { "globalcache:policy", """{"quotas":7}""", "globalcache:policy.quotas: '7' is no structure." },
        { "globalcache:policy", "everything", "globalcache:policy: it is no list or structure." },
        { "globalcache:policy", """{"fleet":{"types":[{"name":"c6i.lage"}]}}""", "globalcache:policy.fleet.types[0]: c6i.lage is not in the price table of eu-central-1" },
        { "globalcache:policy", """{"fleet":{"types":[{"name":"c7g.large"}]}}""", "globalcache:policy.fleet.types[0]: c7g.large is arm64 and the master's t3.small is x64" },
        { "globalcache:policy", """{"fleet":{"zones":7}}""", "globalcache:policy.fleet.zones: " },
        { "globalcache:masterType", "t9.small", "globalcache:masterType: t9.small is not in the price table of eu-central-1" },
        { "globalcache:zone", "cache", "globalcache:zone: 'cache' is no domain" },
        { "globalcache:zone", "Cache.example.org", "globalcache:zone: 'Cache.example.org' is no domain" },
        { "globalcache:zone", "cache.example.org.", "globalcache:zone: 'cache.example.org.' is no domain" },
        { "globalcache:zone", "10.0.0.1", "globalcache:zone: '10.0.0.1' is no domain" },
        { "globalcache:zone", "*.example.org", "globalcache:zone: '*.example.org' is no domain" },
        { "globalcache:network", "10.77.0.0/27", "globalcache:network: 10.77.0.0/27 is too small: 3 zones for 8 nodes and those on their way out, with a subnet for the master, need a /26." },
        { "globalcache:network", "10.77.0.0/8", "globalcache:network: '10.77.0.0/8' is no private network" },
        { "globalcache:network", "8.8.0.0/16", "globalcache:network: '8.8.0.0/16' is no private network" },
        { "globalcache:network", "10.77.0.1/20", "globalcache:network: '10.77.0.1/20' is no private network" },
        { "globalcache:network", "somewhere", "globalcache:network: 'somewhere' is no private network" },
        { "globalcache:adminCodeHash", "secret", "globalcache:adminCodeHash: it is the SHA-256 of the admin code" },
        { "globalcache:alarmEmail", "me", "globalcache:alarmEmail: 'me' is no e-mail address" },
        { "globalcache:monthlyBudget", "0", "globalcache:monthlyBudget: a budget is 1 to 1 000 000; it is 0." },
        { "globalcache:monthlyBudget", "lots", "globalcache:monthlyBudget: 'lots' is no number." },
        { "globalcache:logDays", "31", "globalcache:logDays: CloudWatch keeps logs for one of these numbers of days" },
        { "globalcache:imageRevision", "-1", "globalcache:imageRevision: a revision is 0 to 1 000 000; it is -1." },
        { "globalcache:previousImage", "the last", "globalcache:previousImage: 'the last' is no image" },
        { "globalcache:prices", """[{"name":"c6i.large"}]""", "globalcache:prices[0].pricePerHour: it is not set." },
        { "globalcache:prices", """[{"name":"c6i.large","pricePerHour":0}]""", "globalcache:prices[0].pricePerHour: a price an hour is above 0" },
        { "globalcache:prices", """[{"name":"c6i.large","pricePerHour":1,"architecture":"vax"}]""", "globalcache:prices[0].architecture: 'vax' is neither x64 nor arm64." },
        { "globalcache:prices", "cheap", "globalcache:prices: it is no list or structure." },
        { "aws:region", "moon-1", "aws:region: 'moon-1' is no region" },
        { "aws:region", "sa-east-1", "globalcache:masterType: t3.small is not in the price table of sa-east-1" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_cannot_be_used_is_named(string setting, string value, string said)
    {
        Assert.Null(SettingsFile.Read("one", SampleRun.Config((setting, value)), out IReadOnlyList<string> wrong));
        Assert.Contains(wrong, w => w.StartsWith(said, StringComparison.Ordinal));
        // Each thing is said once.
        Assert.Equal(wrong.Distinct(), wrong);
    }

    [Theory]
    [InlineData("globalcache:zone")]
    [InlineData("globalcache:adminCodeHash")]
    [InlineData("globalcache:alarmEmail")]
    [InlineData("aws:region")]
    public void What_is_missing_is_named(string setting)
    {
        Dictionary<string, string> config = SampleRun.Config();
        config.Remove(setting);
        Assert.Null(SettingsFile.Read("one", config, out IReadOnlyList<string> wrong));
        Assert.Contains($"{setting}: it is not set.", wrong);
        Assert.Single(wrong, w => w.StartsWith(setting + ":", StringComparison.Ordinal));
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once_and_the_preview_ends_with_it()
    {
        Pulumi.RunException refused = Assert.Throws<Pulumi.RunException>(() => SampleRun.Run(SampleRun.Config(
            ("globalcache:zone", "nowhere"), ("globalcache:nonsense", "1"), ("globalcache:network", "10.0.0.0/27"), ("globalcache:masterType", "big"),
            ("globalcache:policy", """{"scaling":{"min":9,"max":"x","ticks":1},"quotas":{"perHour":1},"fleet":{"types":[{"name":"one"}]}}""")), stack: "One"));
        string[] expected =
        [
            "stack", "globalcache:zone", "globalcache:nonsense", "globalcache:network", "globalcache:masterType", "globalcache:policy.scaling.max", "globalcache:policy.scaling.ticks",
            "globalcache:policy.quotas.perHour", "globalcache:policy.fleet.types[0].name",
        ];
        Assert.All(expected, e => Assert.Contains($"\n  {e}: ", refused.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_not_said_has_its_default_and_the_regions_price()
    {
        Settings settings = SettingsFile.Read("one", SampleRun.Config(), out _)!;
        Assert.Equal("10.77.0.0/20", settings.Network);
        Assert.Equal(0.097m, settings.Policy.Fleet.PricePerHour("c6i.large"));
        Assert.Equal((new GridPolicy() with { Fleet = settings.Policy.Fleet }).ToJson(), settings.Policy.ToJson());
    }

    [Fact]
    public void The_owners_price_comes_before_the_tables()
    {
        Settings settings = SettingsFile.Read("one", SampleRun.Config(("globalcache:prices", """[{"name":"c6i.large","pricePerHour":0.5},{"name":"t3.small","pricePerHour":"0.1"}]""")), out IReadOnlyList<string> wrong)!;
        Assert.Empty(wrong);
        Assert.Equal(0.5m, settings.Policy.Fleet.PricePerHour("c6i.large"));
        Assert.Equal(0.1m, settings.PriceOf("t3.small")!.PricePerHour);
    }

    [Fact]
    public void The_example_names_every_setting_and_is_one_once_the_hash_is_in_it()
    {
        string yaml = File.ReadAllText(Path.Combine(Repository.Root, "Pulumi.example.yaml"));
        Dictionary<string, string> config = StackFile.Read(yaml);
        Assert.Null(SettingsFile.Read("one", config, out IReadOnlyList<string> wrong));
        Assert.StartsWith("globalcache:adminCodeHash: ", Assert.Single(wrong), StringComparison.Ordinal);
        config["globalcache:adminCodeHash"] = SampleRun.AdminCodeHash;
        Settings settings = SettingsFile.Read("one", config, out wrong)!;
        Assert.Empty(wrong);
        Assert.Equal(SettingsFile.Known.Keys.Order(), config.Keys.Where(k => k.StartsWith(SettingsFile.Project, StringComparison.Ordinal)).Select(k => k[SettingsFile.Project.Length..]).Order());

        // What it gives as defaults are the defaults.
        Settings plain = SettingsFile.Read("one", SampleRun.Config(), out _)!;
        Assert.Equal((plain.Policy with { Grids = settings.Policy.Grids }).ToJson(), settings.Policy.ToJson());
        Assert.Equal((plain.Network, plain.MasterType, plain.LogDays, plain.ImageRevision), (settings.Network, settings.MasterType, settings.LogDays, settings.ImageRevision));
    }

    [Fact]
    public void A_policy_too_long_for_a_parameter_is_named()
    {
        string grids = JsonSerializer.Serialize(Enumerable.Range(0, 60).Select(i => new { id = $"{i}.{new string('g', 60)}.example.net", authorities = new[] { $"{i}.{new string('a', 60)}.example.net" } }));
        Assert.Null(SettingsFile.Read("one", SampleRun.Config(("globalcache:policy", "{\"grids\":" + grids + "}")), out IReadOnlyList<string> wrong));
        Assert.Contains("AWS keeps 8192 in a parameter", Assert.Single(wrong), StringComparison.Ordinal);
    }
}
