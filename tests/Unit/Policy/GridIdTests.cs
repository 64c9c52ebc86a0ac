using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Policy;

public sealed class GridIdTests
{
    [Theory]
    [InlineData("http://Grid.Example.org/", "grid.example.org")]
    [InlineData("http://grid.example.org:80/path", "grid.example.org")]
    [InlineData("https://grid.example.org:8002", "grid.example.org:8002")]
    [InlineData("grid.example.org:8002", "grid.example.org:8002")]
    [InlineData("https://login.agni.lindenlab.com/cgi-bin/login.cgi", "agni")]
    public void A_grid_is_named_by_its_host(string url, string expected)
    {
        Assert.True(GridId.TryFromUrl(url, out string id));
        Assert.Equal(expected, id);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ftp://grid.example.org")]
    [InlineData("http://")]
    public void What_is_no_url_names_no_grid(string? url) => Assert.False(GridId.TryFromUrl(url, out _));

    [Fact]
    public void The_encoded_key_is_grid_type_and_lower_case_uuid() =>
        Assert.Equal("agni/animation/6c0ca000-0000-4000-8000-00000000002a",
            new AssetKey("agni", AssetType.Animation, Guid.Parse("6C0CA000-0000-4000-8000-00000000002A")).ToString());
}
