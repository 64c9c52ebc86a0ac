using System.Net;
using CsCheck;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Tests.Cloud;

/// <summary>What master and nodes are told at their start: settings, each of a known form, and nothing else.</summary>
public sealed class UserDataTests
{
    private static readonly MasterUserData s_master = MasterUserData.Of(SampleStack.Names, "master.grid.example.net");

    private static readonly NodeUserData s_node = new()
    {
        Region = "eu-central-1",
        Stack = "one",
        Master = new IPEndPoint(IPAddress.Parse("10.0.9.9"), 12441),
        AssetBucket = SampleStack.Names.AssetBucket,
        StateBucket = SampleStack.Names.StateBucket,
        LinkBytesPerSecond = 97_600_000,
        OrphanHours = 24,
        NodeKey = SampleStack.Names.NodeKey,
        StoreKey = SampleStack.Names.StoreKey,
        Grid = new string('a', 64),
    };

    [Fact]
    public void What_is_written_is_read_back_as_it_was()
    {
        MasterUserData? master = MasterUserData.Parse(s_master.Format(), out IReadOnlyList<string> wrong);
        Assert.Empty(wrong);
        Assert.Equal(s_master.Format(), master!.Format());
        Assert.Equal(SampleStack.Names.Subnets, master.Subnets);
        Assert.StartsWith("role=master\nregion=eu-central-1\nstack=one\n", s_master.Format(), StringComparison.Ordinal);
        Assert.Equal(s_node, NodeUserData.Parse(s_node.Format(), out wrong));
        Assert.Empty(wrong);
        Assert.StartsWith("role=node\n", s_node.Format(), StringComparison.Ordinal);
        // Windows' line ends and blank lines are no mistake.
        Assert.NotNull(NodeUserData.Parse(s_node.Format().ReplaceLineEndings("\r\n\r\n"), out _));
    }

    [Fact]
    public void Every_line_is_needed_and_is_named_when_it_is_missing_or_stands_twice()
    {
        foreach ((string text, Func<string, IReadOnlyList<string>> parse) in Both)
        {
            string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            foreach (string line in lines.Skip(1))
            {
                string key = line[..line.IndexOf('=')];
                Assert.StartsWith($"'{key}' is missing", Assert.Single(parse(string.Join('\n', lines.Where(l => l != line)))), StringComparison.Ordinal);
                Assert.Equal($"'{key}' stands there twice.", Assert.Single(parse(text + line)));
            }
        }
    }

    [Theory]
    [InlineData("region", "EU")]
    [InlineData("stack", "*")]
    [InlineData("zone", "/hostedzone/Z1")]
    [InlineData("name", "nodes")]
    [InlineData("name", "*.example.net")]
    [InlineData("master", "https://master.example.net")]
    [InlineData("master", "master.example.net")]
    [InlineData("master", "nodes.grid.example.net")]
    [InlineData("master", "master.evilgrid.example.net")]
    [InlineData("assets", "a/b")]
    [InlineData("state", "globalcache-one-assets")]
    [InlineData("subnets", "subnet-0aaaaaaaaaaaaaaaa,subnet-0aaaaaaaaaaaaaaaa")]
    [InlineData("subnets", "subnet-*")]
    [InlineData("group", "sg-")]
    [InlineData("profile", "arn:aws:iam::123456789012:instance-profile/*")]
    [InlineData("master-key", "alias/mine")]
    [InlineData("node-key", "")]
    [InlineData("store-key", "x")]
    public void A_masters_value_of_another_form_is_named(string key, string value) => Named(s_master.Format(), t => Wrong(MasterUserData.Parse, t), key, value);

    [Theory]
    [InlineData("region", "$(reboot)")]
    [InlineData("stack", "")]
    [InlineData("master", "10.0.9.9")]
    [InlineData("master", "10.0.9.9:0")]
    [InlineData("master", "10.0.9.999:12441")]
    [InlineData("master", "master.example.net:12441")]
    [InlineData("assets", "*")]
    [InlineData("state", "a")]
    [InlineData("link", "-1")]
    [InlineData("link", "1GB")]
    [InlineData("orphan-hours", "0")]
    [InlineData("orphan-hours", "721")]
    [InlineData("node-key", "x")]
    [InlineData("store-key", "x")]
    [InlineData("grid", "abc")]
    public void A_nodes_value_of_another_form_is_named(string key, string value) => Named(s_node.Format(), t => Wrong(NodeUserData.Parse, t), key, value);

    [Theory]
    [InlineData("")]
    [InlineData("#!/bin/sh\nreboot\n")]
    [InlineData("role=client\nregion=eu-central-1\n")]
    public void What_is_no_settings_of_the_kind_is_refused_in_one_sentence(string text)
    {
        Assert.Single(Wrong(MasterUserData.Parse, text));
        Assert.Single(Wrong(NodeUserData.Parse, text));
    }

    [Fact]
    public void The_settings_of_the_one_are_not_the_others_and_endless_ones_are_nobodys()
    {
        Assert.Single(Wrong(MasterUserData.Parse, s_node.Format()));
        Assert.Single(Wrong(NodeUserData.Parse, s_master.Format()));
        Assert.Single(Wrong(NodeUserData.Parse, s_node.Format() + new string('\n', 20_000)));
        Assert.Equal(["'shell' is no setting of a node.", "'reboot' is no setting: each line is key=value."], Wrong(NodeUserData.Parse, s_node.Format() + "shell=/bin/sh\nreboot\n"));
    }

    [Fact]
    public void No_random_text_is_taken_and_none_throws() => Gen.OneOf(Gen.String, Gen.String.Select(s => s_node.Format() + s), Gen.String.Select(s => "role=master\n" + s)).Sample(text =>
    {
        _ = MasterUserData.Parse(text, out _);
        return NodeUserData.Parse(text, out IReadOnlyList<string> wrong) is not null == (wrong.Count == 0);
    });

    private delegate T? Parser<T>(string text, out IReadOnlyList<string> wrong);

    private static IEnumerable<(string, Func<string, IReadOnlyList<string>>)> Both =>
        [(s_master.Format(), t => Wrong(MasterUserData.Parse, t)), (s_node.Format(), t => Wrong(NodeUserData.Parse, t))];

    private static IReadOnlyList<string> Wrong<T>(Parser<T> parse, string text)
        where T : class
    {
        T? read = parse(text, out IReadOnlyList<string> wrong);
        Assert.Equal(read is null, wrong.Count > 0);
        return wrong;
    }

    private static void Named(string text, Func<string, IReadOnlyList<string>> parse, string key, string value)
    {
        string changed = string.Join('\n', text.Split('\n').Select(l => l.StartsWith(key + "=", StringComparison.Ordinal) ? $"{key}={value}" : l));
        Assert.StartsWith($"'{key}' ", Assert.Single(parse(changed)), StringComparison.Ordinal);
    }
}
