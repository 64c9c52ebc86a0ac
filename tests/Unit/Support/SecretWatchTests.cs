using System.Buffers.Text;
using System.Security.Cryptography;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.Ways;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Cloud;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.Support;

/// <summary>The watch over all logs knows every secret that there is, and takes nothing else for one.</summary>
public sealed class SecretWatchTests
{
    public static TheoryData<string, string> Secrets()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] random = RandomNumberGenerator.GetBytes(32);
        return new()
        {
            { "a session", $"{Guid.NewGuid()}" },
            { "a region's capability", $"http://127.0.0.1:9000/CAPS/{Guid.NewGuid()}0000/" },
            { "a capability that is not random", "https://simhost-1.agni.secondlife.io:12043/cap/1" },
            { "the token of a local URL", InstallToken.Fresh().Text },
            { "the token of a proxied capability", CapTable.NewToken() },
            { "a login's password", "$1$8eee3efdde1eb6cf" },
            { "an invite's code", Always(InviteText.NewCode) },
            { "a nonce, or an admin's session", Always(() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24))) },
            { "an asset's key, as in a header", Always(() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))) },
            { "a node's key, as in a file", Convert.ToBase64String(random) },
            { "a store's key, as in a file", Convert.ToHexStringLower(random) },
            { "a name in the store", Convert.ToHexString(random) },
            { "a client's key", Convert.ToBase64String(key.ExportPkcs8PrivateKey()) },
            { "an authority's key", key.ExportPkcs8PrivateKeyPem() },
            { "a proof", Base64Url.EncodeToString(key.SignData(random, HashAlgorithmName.SHA256)) },
            { "a session's token", "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIn0" },
            { "a made up one", FakeAws.Secret },
        };
    }

    [Theory]
    [MemberData(nameof(Secrets))]
    public void A_secret_in_a_line_is_found(string what, string secret)
    {
        foreach (string line in (string[])[$"It failed: {secret}", $"({secret})", $"https://example.org:12443/{secret}", $"token={secret}; and more"])
            Assert.True(SecretWatch.SecretIn(line) is not null, $"{what}: {line}");
    }

    [Theory]
    [InlineData("Information 4000 Local store /tmp/gc-shared-a1B2c3/first/store: 18 assets, 4194304 of 10000000000 bytes. ")]
    [InlineData("Information 4101 Client c0123456789abcdef is enrolled ")]
    [InlineData("Information 7241 The next nodes are started from ami-0123456789abcdef0. ")]
    [InlineData("Warning 6080 The master does not answer (Connection refused (127.0.0.1:12441)); the node serves on. ")]
    [InlineData("Error 7242 /globalcache/production/image names no image such as ami-0123456789abcdef0: nodes are started from the one before. ")]
    [InlineData("Serving on 127.64.0.3:40433, for the owner on http://127.64.0.3:33323/status.")]
    [InlineData("Warning 7002 n0-1-1: https://nodes-0a1b2c3d.globalcache.internal:12443/ does not answer. ")]
    [InlineData("Error 1 It failed. System.IO.IOException: Disk full\n   at System.Net.Http.HttpConnectionPool.InjectNewHttp11ConnectionAsync(QueueItem item)\n   at X in /src/A1b2C3d4E5f6G7h8I9j0K1l2/x.cs:line 7")]
    public void Nothing_else_is(string line) => Assert.Null(SecretWatch.SecretIn(line));

    [Fact]
    public void Whatever_is_logged_at_any_level_is_looked_at_and_the_server_beneath_from_warnings_on()
    {
        var log = new WatchedLog();
        (ILogger own, ILogger server) = (log.CreateLogger("GlobalCache"), log.CreateLogger("Microsoft.AspNetCore.Server.Kestrel"));
#pragma warning disable CA1848, CA2254, CA1873 // Two lines in a test.
        own.LogTrace("fine");
        server.LogInformation("GET /");
        server.LogWarning("slow");
        Assert.Equal(["Trace 0 fine ", "Warning 0 slow "], log.Lines);
        SecretWatch.Judge(id => id == TestContext.Current.Test!.UniqueID);
        own.LogTrace(SecretWatch.Mark);
#pragma warning restore CA1848, CA2254, CA1873
        Exception found = Assert.ThrowsAny<Exception>(() => SecretWatch.Judge(id => id == TestContext.Current.Test!.UniqueID));
        Assert.Contains($"Trace 0 {SecretWatch.Mark}", found.Message, StringComparison.Ordinal);
        // Once is enough.
        SecretWatch.Judge(id => id == TestContext.Current.Test!.UniqueID);
    }

    // Of what has few letters one in forty is without a digit: a look that only secrets have cannot be had for those.
    private static string Always(Func<string> draw)
    {
        while (true)
        {
            string drawn = draw();
            if (drawn.Any(char.IsAsciiDigit) && !drawn.StartsWith('-') && !drawn.EndsWith('-')) return drawn;
        }
    }
}
