using System.Text;
using System.Text.RegularExpressions;
using GlobalCache.Client.Caps;

#pragma warning disable MA0009 // What these expressions read is recorded or written here.

namespace GlobalCache.Tests.Caps;

public sealed class SeedReplyTests
{
    private static readonly string[] Ours = ["EventQueueGet", "ViewerAsset", "GetTexture", "GetMesh", "GetMesh2"];

    [Fact]
    public void T21_Every_recorded_seed_reply_is_identical_but_for_our_capabilities()
    {
        int seen = 0;
        foreach (Recorded.Exchange seed in Recorded.Seeds)
        {
            var mapped = new Dictionary<string, string>();
            SeedReply.Patched patched = SeedReply.Patch(seed.Body, (name, real) =>
                mapped[$"<key>{name}</key><string>{real}</string>"] = $"http://127.0.0.1:12080/c/{name}")!.Value;
            Assert.Equal(5, mapped.Count);
            string expected = Regex.Replace(seed.Reply, "<key>(EventQueueGet|ViewerAsset|GetTexture|GetMesh|GetMesh2)</key><string>[^<]*</string>",
                m => $"<key>{m.Groups[1].Value}</key><string>{mapped[m.Value]}</string>");
            Assert.Equal(expected, Encoding.UTF8.GetString(patched.Body));
            Assert.Contains($"<key>SimulatorFeatures</key><string>{patched.SimulatorFeatures}</string>", seed.Reply, StringComparison.Ordinal);
            seen++;
        }
        Assert.Equal(12, seen);
    }

    [Fact]
    public void T21_Only_our_five_are_touched_and_only_where_they_are_URLs()
    {
        const string reply = "<?xml version=\"1.0\" ?>\n<llsd>\n <map>\n  <key>ViewerAsset</key>\n  <uri>http://cdn.example/?a=1&amp;b=2</uri>\n"
            + "  <key>GetTexture</key><map><key>ViewerAsset</key><string>http://x.example/</string></map>\n"
            + "  <key>GetMesh</key><string /><key>GetMesh2</key><string>not a url</string><key>EventQueueGet</key><undef/>\n"
            + "  <key>Unknown</key><string>http://x.example/u</string><key>UploadBakedTexture</key><string>http://x.example/b</string>\n"
            + "  <key>viewerasset</key><string>http://x.example/v</string></map></llsd>\n";
        var asked = new List<(CapName, string)>();
        SeedReply.Patched patched = SeedReply.Patch(Encoding.UTF8.GetBytes(reply), (name, real) =>
        {
            asked.Add((name, real.AbsoluteUri));
            return "http://127.0.0.1:12080/c/1";
        })!.Value;
        Assert.Equal([(CapName.ViewerAsset, "http://cdn.example/?a=1&b=2")], asked);
        Assert.Equal(reply.Replace("http://cdn.example/?a=1&amp;b=2", "http://127.0.0.1:12080/c/1", StringComparison.Ordinal),
            Encoding.UTF8.GetString(patched.Body));
        Assert.Null(patched.SimulatorFeatures);
    }

    [Fact]
    public void A_capability_beyond_the_limit_keeps_its_own_URL()
    {
        foreach (string name in Ours)
        {
            byte[] reply = Encoding.UTF8.GetBytes($"<llsd><map><key>{name}</key><string>http://x.example/</string></map></llsd>");
            Assert.Equal(reply, SeedReply.Patch(reply, (_, _) => null)!.Value.Body);
        }
    }

    [Theory]
    [InlineData("<llsd><array><string>ViewerAsset</string></array></llsd>")]
    [InlineData("<llsd><undef/></llsd>")]
    [InlineData("<html>busy</html>")]
    [InlineData("<llsd><map><key>ViewerAsset</key></map></llsd>")]
    [InlineData("<llsd><map><key>ViewerAsset</key><string>http://x/</string></map></llsd><llsd/>")]
    public void What_is_no_map_of_capabilities_is_left_alone(string reply) =>
        Assert.Null(SeedReply.Patch(Encoding.UTF8.GetBytes(reply), (_, _) => "x"));

    [Fact]
    public void The_grid_is_the_one_the_region_names()
    {
        Assert.NotEmpty(Recorded.Features);
        foreach (Recorded.Exchange features in Recorded.Features)
            Assert.Equal("127.0.0.1:9000", SimulatorFeatures.ReadGridId(features.Body));
        Assert.Null(SimulatorFeatures.ReadGridId("<llsd><map><key>GridURL</key><string>http://x.example</string></map></llsd>"u8.ToArray()));
    }
}
