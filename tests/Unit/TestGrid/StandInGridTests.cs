using System.Net;
using System.Text;
using GlobalCache.TestGrid;

namespace GlobalCache.Tests.TestGrid;

/// <summary>The stand-in grid by itself, without a viewer: what its HTTP port answers.</summary>
public sealed class StandInGridTests : IAsyncLifetime
{
    private static readonly HttpClient Http = new();
    private StandInGrid grid = null!;

    public async ValueTask InitializeAsync() => grid = await StandInGrid.StartAsync();

    public ValueTask DisposeAsync() => grid.DisposeAsync();

    [Fact]
    public async Task Grid_info_names_the_login_uri()
    {
        string info = await Http.GetStringAsync(new Uri(grid.LoginUri, "get_grid_info"), Cancelled);
        Assert.Contains($"<login>{grid.LoginUri}</login>", info);
    }

    [Theory]
    [InlineData("Test", "password", "<name>login</name><value><string>true<")]
    [InlineData("Test", "wrong", "<name>reason</name><value><string>key<")]
    [InlineData("Nobody", "password", "<name>reason</name><value><string>key<")]
    [InlineData("Tos", "password", "<name>reason</name><value><string>tos<")]
    [InlineData("Critical", "password", "<name>reason</name><value><string>critical<")]
    [InlineData("Mfa", "password", "<name>reason</name><value><string>mfa_challenge<")]
    [InlineData("Next", "password", "<name>login</name><value><string>indeterminate<")]
    [InlineData("Present", "password", "<name>reason</name><value><string>presence<")]
    [InlineData("Old", "password", "<name>reason</name><value><string>update<")]
    public async Task Every_manner_of_login_can_be_had(string first, string password, string expected) =>
        Assert.Contains(expected, await LoginAsync("", ("first", first), ("last", "User"), ("passwd", password)));

    [Theory]
    [InlineData("Tos", "agree_to_tos", "true", "")]
    [InlineData("Critical", "read_critical", "1", "")]
    [InlineData("Mfa", "token", GridUser.OneTimeCode, "")]
    [InlineData("Next", "token", "", "next")]
    public async Task Who_does_what_was_asked_gets_in(string first, string name, string value, string path)
    {
        string reply = await LoginAsync(path, ("first", first), ("last", "User"), ("passwd", "password"), (name, value));
        Assert.Contains("<name>login</name><value><string>true<", reply);
        Assert.Equal(1, grid.SessionCount);
    }

    [Fact]
    public async Task Login_works_by_LLSD_too()
    {
        using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(
            "<llsd><map><key>first</key><string>Test</string><key>last</key><string>User</string><key>passwd</key><string>password</string></map></llsd>"));
        body.Headers.ContentType = new("application/llsd+xml");
        using HttpResponseMessage reply = await Http.PostAsync(grid.LoginUri, body, Cancelled);
        string text = await reply.Content.ReadAsStringAsync(Cancelled);
        Assert.StartsWith("<llsd><map>", text);
        Assert.Contains($"<key>sim_port</key><integer>{grid.Regions["RigOne"].Port}</integer>", text);
    }

    [Fact]
    public async Task A_seed_is_no_seed_with_a_charset_in_the_content_type()
    {
        string reply = await LoginAsync("", ("first", "Test"), ("last", "User"), ("passwd", "password"));
        string seed = reply.Split("seed_capability</name><value><string>")[1].Split('<')[0];
        using var body = new StringContent("<llsd><array><string>ViewerAsset</string></array></llsd>", Encoding.UTF8, "application/llsd+xml");
        using HttpResponseMessage refused = await Http.PostAsync(seed, body, Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private async Task<string> LoginAsync(string path, params (string Name, string Value)[] fields)
    {
        string members = string.Concat(fields.Select(f => $"<member><name>{f.Name}</name><value><string>{f.Value}</string></value></member>"));
        using var body = new StringContent("<?xml version=\"1.0\"?><methodCall><methodName>login_to_simulator</methodName><params><param><value>"
            + $"<struct>{members}</struct></value></param></params></methodCall>", Encoding.UTF8, "text/xml");
        using HttpResponseMessage reply = await Http.PostAsync(new Uri(grid.LoginUri, path), body, Cancelled);
        return await reply.Content.ReadAsStringAsync(Cancelled);
    }
}
