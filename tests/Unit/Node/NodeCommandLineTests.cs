using System.Net;
using GlobalCache.Node;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Node;

public sealed class NodeCommandLineTests
{
    [Fact]
    public void Without_a_command_the_node_serves_as_it_is_told()
    {
        CommandLine line = Read(
            "--data", "/d", "--listen", "127.0.0.9:1", "--private", "10.0.0.1:2", "--cache-size", "1.5GB", "--drain", "7", "--lead", "2", "--nodes", "4",
            "--share", "https://Login.Example.org:8002/", "--share", "agni=Asset-cdn.example, b.example");
        Assert.Empty(line.Errors);
        Assert.Null(line.Errand);
        NodeOptions options = line.Options;
        Assert.Equal(("/d", new IPEndPoint(IPAddress.Parse("127.0.0.9"), 1), 1_500_000_000, 7, 2, 4),
            (options.Data, options.Listen, options.CacheBytes, (int)options.Drain.TotalSeconds, options.Vouching.Lead, options.Nodes));
        Assert.Equal(["login.example.org:8002", "agni"], options.Grids.Select(g => g.Id));
        Assert.Equal(["asset-cdn.example", "b.example"], options.Grids[1].Authorities);
        Assert.Null(options.S3);
    }

    [Fact]
    public void A_bucket_of_another_server_is_named_by_its_address() =>
        Assert.Equal(new("b", "r", new Uri("http://127.0.0.1:7480/"), ChecksumsWhenSupported: false),
            Read("--s3-bucket", "b", "--s3-region", "r", "--s3-endpoint", "http://127.0.0.1:7480/", "--s3-no-checksums").Options.S3);

    [Theory]
    [InlineData("--help")]
    [InlineData("--version")]
    [InlineData("members")]
    [InlineData("revoke c1")]
    public void Commands_are_done_instead_of_serving(string args)
    {
        CommandLine line = Read(args.Split(' '));
        Assert.Empty(line.Errors);
        Assert.NotNull(line.Errand);
    }

    [Theory]
    [InlineData("--listen x")]
    [InlineData("--listen 127.0.0.1")]
    [InlineData("--private 8.8.8.8:80")]
    [InlineData("--private 127.0.0.1:12443")]
    [InlineData("--cache-size much")]
    [InlineData("--cache-size 10KB")]
    [InlineData("--lead 99")]
    [InlineData("--nodes 0")]
    [InlineData("--s3-bucket b --s3-endpoint here")]
    [InlineData("--share http://")]
    [InlineData("--unknown")]
    public void What_cannot_be_is_told_before_anything_is_done(string args) => Assert.Single(Read(args.Split(' ')).Errors);

    private static CommandLine Read(params string[] args) => CommandLine.Read(args, TimeProvider.System, WatchedLog.Unread);
}
