using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using GlobalCache.Client.Edge;
using GlobalCache.Master;
using GlobalCache.Master.Operator;
using GlobalCache.Master.Zones;
using GlobalCache.Node;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Cloud;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Edge;

/// <summary>TLS 1.2 and 1.3 alone, at every listener and in every connection of our own making: told from the first bytes, whatever the system's library would allow.</summary>
public sealed class TlsVersionTests : IDisposable
{
    private static readonly IPEndPoint s_any = new(IPAddress.Loopback, 0);

    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new("some");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_node_and_a_master_answer_nothing_older_than_TLS_1_2()
    {
        await using NodeApp node = await NodeApp.StartAsync(new NodeOptions { Data = Path.Combine(_folder.Path, "node"), Listen = s_any, Private = s_any }, WatchedLog.Unread);
        await using MasterApp master = await MasterApp.StartAsync(new MasterOptions
        {
            Data = Path.Combine(_folder.Path, "master"),
            Listen = s_any,
            Private = s_any,
            Dns = s_any,
            NodeProgram = ["/bin/true"],
            Policy = new GridPolicy { Vouching = new VouchingPolicy { Lead = 1 } },
        }, WatchedLog.Unread);
        const byte alert = 21, handshake = 22, protocolVersion = 70;
        foreach (int port in (int[])[node.Endpoint.Port, master.Public.Port])
        {
            foreach (byte old in (byte[])[1, 2])
            {
                byte[] refusal = await AskAsync(port, old);
                Assert.Equal((alert, protocolVersion), (refusal[0], refusal[6]));
            }

            Assert.Equal(handshake, (await AskAsync(port, 3))[0]);
        }
    }

    [Fact]
    public async Task Nothing_older_than_TLS_1_2_is_offered_to_a_grid_a_cache_grid_or_AWS()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string at = listener.LocalEndpoint.ToString()!;
        var url = new Uri($"https://{at}/");
        var end = IPEndPoint.Parse(at);
        GridFile file = new() { Name = "Test", Host = "nodes.example", Port = end.Port, Nodes = [at], Ca = _authority.Root.ExportCertificatePem(), ControlKey = "AAAA", Master = url, Grids = [] };

        using var upstream = new Upstream(new GridTrust(new GridDomains(url, []), []), new ClientLimits());
        await OffersAsync("a grid", () => upstream.Grid.SendAsync(new HttpRequestMessage(HttpMethod.Get, url), Ct));
        await OffersAsync("its assets", () => upstream.Assets.SendAsync(new HttpRequestMessage(HttpMethod.Get, url), Ct));
        using var nodes = new NodeConnections(file);
        await OffersAsync("a node", () => nodes.SendAsync(end, new HttpRequestMessage(HttpMethod.Get, "/"), Ct));
        string invite = new InviteText(InviteText.NewCode(), InviteText.FingerprintOf(_authority.Root), at).ToString();
        await OffersAsync("whoever is named in an invite", () => new GridJoin(_folder.Path, TimeProvider.System, WatchedLog.Unread).RunAsync(invite, null, Ct));
        await OffersAsync("a master, by its operator", () => OperatorLink.OpenAsync(at, "code " + SecretWatch.Mark, Ct));
        var zone = new Route53Settings { HostedZone = SampleStack.Names.HostedZone, Name = SampleStack.Names.RecordName, Endpoint = url };
        using var route53 = new Route53Client(zone, Route53ZoneTests.Keys, TimeProvider.System, () => 0);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await OffersAsync("Route 53", () => route53.ListAsync(enough.Token), enough.Cancel);

        async Task OffersAsync(string to, Func<Task> call, Action? giveUp = null)
        {
            Task calling = call();
            using (Socket socket = await listener.AcceptSocketAsync(Ct))
            {
                byte[] hello = new byte[4096];
                int read = await socket.ReceiveAsync(hello, Ct);
                Assert.True(VersionsIn(hello.AsSpan(0, read)) is "0304 0303", $"{to} is offered {VersionsIn(hello.AsSpan(0, read))}");
                giveUp?.Invoke();
            }

            await Assert.ThrowsAnyAsync<Exception>(() => calling);
        }
    }

    /// <summary>Asks for a version of TLS, 1.0 + <paramref name="minor"/> - 1, and returns what comes first.</summary>
    private static async Task<byte[]> AskAsync(int port, byte minor)
    {
        // Groups x25519 and P-256, points as they are, ECDSA with P-256; suites of both times.
        byte[] extensions = [0, 10, 0, 6, 0, 4, 0, 29, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3], suites = [0xC0, 0x2B, 0xC0, 0x09, 0xC0, 0x0A];
        byte[] hello = [3, minor, .. RandomNumberGenerator.GetBytes(32), 0, 0, (byte)suites.Length, .. suites, 1, 0, 0, (byte)extensions.Length, .. extensions];
        using Socket socket = await RawHttp.ConnectAsync(port);
        await socket.SendAsync((byte[])[22, 3, 1, 0, (byte)(hello.Length + 4), 1, 0, 0, (byte)hello.Length, .. hello]);
        byte[] first = new byte[7];
        for (int read = 0, now; read < first.Length; read += now)
        {
            now = await socket.ReceiveAsync(first.AsMemory(read), Ct);
            Assert.NotEqual(0, now);
        }

        return first;
    }

    /// <summary>What stands in a ClientHello's list of versions (RFC 8446 §4.2.1).</summary>
    private static string VersionsIn(ReadOnlySpan<byte> hello)
    {
        int at = 5 + 4 + 2 + 32;
        at += 1 + hello[at];
        at += 2 + ((hello[at] << 8) | hello[at + 1]);
        at += 1 + hello[at];
        for (at += 2; at < hello.Length; at += 4 + ((hello[at + 2] << 8) | hello[at + 3]))
        {
            if (hello[at] != 0 || hello[at + 1] != 43) continue;
            return string.Join(' ', hello.Slice(at + 5, hello[at + 4]).ToArray().Chunk(2).Select(Convert.ToHexString));
        }

        return "none";
    }
}
