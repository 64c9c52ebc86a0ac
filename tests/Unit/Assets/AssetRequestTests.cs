using GlobalCache.Client.Assets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Assets;

public sealed class AssetRequestTests
{
    private const string Uuid = "6c0ca000-0000-4000-8000-00000000002a";

    [Theory]
    [InlineData("/", "?texture_id=" + Uuid, AssetType.Texture)]
    [InlineData("", "?sound_id=" + Uuid, AssetType.Sound)]
    [InlineData(null, "?animatn_id=" + Uuid, AssetType.Animation)]
    [InlineData("/", "?mesh_id=6C0CA000-0000-4000-8000-00000000002A", AssetType.Mesh)]
    public void T29_What_viewers_build_is_an_asset_request(string? remainder, string query, AssetType type)
    {
        Assert.True(AssetRequest.TryParse(remainder, query, out AssetRequest request));
        Assert.Equal(new AssetRequest(type, Guid.Parse(Uuid)), request);
    }

    [Theory]
    [InlineData("/", null)]
    [InlineData("/", "")]
    [InlineData("/", "?")]
    [InlineData("/", "?texture_id=")]
    [InlineData("/", "?texture_id=" + Uuid + "&format=png")]
    [InlineData("/", "?format=png&texture_id=" + Uuid)]
    [InlineData("/", "?notecard_id=" + Uuid)]
    [InlineData("/", "?lsltext_id=" + Uuid)]
    [InlineData("/", "?object_id=" + Uuid)]
    [InlineData("/", "?Texture_id=" + Uuid)]
    [InlineData("/", "?texture_id=00000000-0000-0000-0000-000000000000")]
    [InlineData("/", "?texture_id={c0ca000-0000-4000-8000-00000000002a}")]
    [InlineData("/", "?texture_id=6c0ca000%2d0000-4000-8000-00000000002")]
    [InlineData("/more", "?texture_id=" + Uuid)]
    [InlineData("/", "=" + Uuid)]
    public void T41_Everything_else_is_passed_through(string? remainder, string? query) =>
        Assert.False(AssetRequest.TryParse(remainder, query, out _));

    [Theory]
    [InlineData("http://h:9000/cap", "/", "?texture_id=x", "http://h:9000/cap/?texture_id=x")]
    [InlineData("http://h:9000/cap", "", "?texture_id=x", "http://h:9000/cap?texture_id=x")]
    [InlineData("http://h/cap/?sig=a%2Fb", "", "?texture_id=x", "http://h/cap/?sig=a%2Fb&texture_id=x")]
    [InlineData("http://h/cap?sig=a", "/", "?texture_id=x", "http://h/cap/?sig=a&texture_id=x")]
    [InlineData("http://cdn.example.org", "/", "?mesh_id=x", "http://cdn.example.org/?mesh_id=x")]
    [InlineData("http://cdn.example.org/", "/", "?mesh_id=x", "http://cdn.example.org/?mesh_id=x")]
    [InlineData("http://h/cap#f", "/a/b", "", "http://h/cap/a/b")]
    public void T29_The_cap_keeps_its_own_query(string cap, string remainder, string query, string expected) =>
        Assert.Equal(expected, AssetRequest.Upstream(new Uri(cap), remainder, query).AbsoluteUri);
}
