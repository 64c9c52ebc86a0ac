using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Demo.Founding;
using GlobalCache.Master.Zones;
using GlobalCache.Office.Serving;

namespace GlobalCache.Tests.Zones;

/// <summary>The embedded name server, asked by dig and through a real caching resolver.</summary>
[Collection("load")]
public sealed class EmbeddedZoneTests : IDisposable
{
    private const string Host = "grid.example.net";
    private static readonly IPAddress s_one = IPAddress.Parse("192.0.2.1"), s_two = IPAddress.Parse("192.0.2.2"), s_six = IPAddress.Parse("2001:db8::1");

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-zone-").FullName;
    private readonly EmbeddedZone _zone;

    public EmbeddedZoneTests() => _zone = Start();

    public void Dispose()
    {
        _zone.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_says_all_addresses_by_udp_and_by_tcp_with_their_time_and_as_one_who_knows()
    {
        await PublishAsync(20, s_one, s_two, s_six);
        foreach (string way in new[] { "+notcp", "+tcp" })
        {
            string answer = await DigAsync(Host, "A", way);
            Assert.Contains("status: NOERROR", answer, StringComparison.Ordinal);
            Assert.Contains("flags: qr aa rd", answer, StringComparison.Ordinal);
            Assert.Matches(@"grid\.example\.net\.\s+20\s+IN\s+A\s+192\.0\.2\.1", answer);
            Assert.Matches(@"grid\.example\.net\.\s+20\s+IN\s+A\s+192\.0\.2\.2", answer);
            Assert.Contains("2001:db8::1", await DigAsync(Host, "AAAA", way), StringComparison.Ordinal);
        }
        Assert.Contains("ANSWER: 2", await DigAsync(Host.ToUpperInvariant(), "A"), StringComparison.Ordinal);
        Assert.Equal(new HashSet<IPAddress> { s_one, s_two, s_six }, await _zone.AskAsync(default));
    }

    [Fact]
    public async Task Names_and_types_that_are_not_there_are_denied_for_two_seconds_and_other_zones_refused()
    {
        await PublishAsync(60, s_one);
        string missing = await DigAsync("nobody." + Host, "A"), type = await DigAsync(Host, "MX");
        Assert.Contains("status: NXDOMAIN", missing, StringComparison.Ordinal);
        Assert.Contains("status: NOERROR", type, StringComparison.Ordinal);
        foreach (string denied in new[] { missing, type }) Assert.Matches(@"AUTHORITY SECTION:\s+grid\.example\.net\.\s+60\s+IN\s+SOA\s+ns\.grid\.example\.net\. hostmaster\.grid\.example\.net\. \d+ 60 60 86400 2", denied);
        Assert.Contains("status: REFUSED", await DigAsync("example.org", "A"), StringComparison.Ordinal);
        Assert.Contains("status: REFUSED", await DigAsync("version.bind", "TXT", "CH"), StringComparison.Ordinal);
        Assert.Contains("127.0.0.1", await DigAsync("master." + Host, "A"), StringComparison.Ordinal);
        Assert.Contains("ns." + Host, await DigAsync(Host, "NS"), StringComparison.Ordinal);
        string any = await DigAsync(Host, "ANY", "+notcp");
        Assert.Contains("SOA", any, StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2.1", any, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transfer_is_refused()
    {
        await PublishAsync(60, s_one);
        Assert.Contains("Transfer failed", await DigAsync(Host, "AXFR"), StringComparison.Ordinal);
        Assert.Contains("REFUSED", await DigAsync(Host, "AXFR", "+comments"), StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2.1", await DigAsync(Host, "IXFR=1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Edns_is_answered_and_what_does_not_fit_a_datagram_comes_by_tcp()
    {
        await PublishAsync(60, [.. Enumerable.Range(1, 120).Select(i => new IPAddress([198, 51, 100, (byte)i]))]);
        string small = await DigAsync(Host, "A", "+notcp", "+ignore", "+noedns"), edns = await DigAsync(Host, "A", "+notcp", "+ignore", "+bufsize=4096");
        Assert.Contains(" tc", Flags(small), StringComparison.Ordinal);
        Assert.DoesNotContain("EDNS: version", small, StringComparison.Ordinal);
        Assert.Contains("EDNS: version: 0", edns, StringComparison.Ordinal);
        Assert.Contains(" tc", Flags(edns), StringComparison.Ordinal);
        Assert.InRange(int.Parse(edns.Split("MSG SIZE  rcvd: ")[1].Split('\n')[0], System.Globalization.CultureInfo.InvariantCulture), 12, EmbeddedDns.LargestDatagram);
        string whole = await DigAsync(Host, "A");
        Assert.Contains("ANSWER: 120", whole, StringComparison.Ordinal);
        Assert.Contains("status: BADVERS", await DigAsync(Host, "A", "+edns=1", "+noednsnegotiation"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_published_is_there_after_a_restart_an_empty_set_too()
    {
        await PublishAsync(30, s_one, s_two);
        using EmbeddedZone again = Start();
        Assert.Equal(new HashSet<IPAddress> { s_one, s_two }, await again.ReadAsync(default));
        Assert.Equal(new HashSet<IPAddress> { s_one, s_two }, await again.AskAsync(default));
        string change = await again.PublishAsync(new HashSet<IPAddress> { s_two }, TimeSpan.FromSeconds(60), default);
        Assert.True(await again.IsInSyncAsync(change, default));
        await again.PublishAsync(new HashSet<IPAddress>(), TimeSpan.FromSeconds(60), default);
        using (EmbeddedZone empty = Start())
        {
            Assert.Empty(await empty.ReadAsync(default));
            Assert.Empty(await empty.AskAsync(default));
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "zone.json"), "{ \"serial\": 1, \"ttl\": 5, \"nodes\": [\"no address\"] }");
        Assert.Contains("delete it", Assert.Throws<CannotStartException>(Start).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_busy_port_is_told_in_one_sentence()
    {
        string wrong = Assert.Throws<CannotStartException>(() => EmbeddedZone.Start(Path.Combine(_folder, "other.json"), Host, IPAddress.Loopback, _zone.Endpoint, TimeProvider.System)).Message;
        Assert.Equal($"Port {_zone.Endpoint.Port} is in use: stop the other name server, or choose another with --dns.", wrong);
    }

    [Fact]
    public async Task What_is_no_query_or_no_message_is_not_answered_and_harms_nobody()
    {
        await PublishAsync(60, s_one);
        using var udp = new UdpClient();
        var dice = new Random(3);
        for (int i = 0; i < 500; i++)
        {
            byte[] junk = new byte[dice.Next(0, 80)];
            dice.NextBytes(junk);
            await udp.SendAsync(junk, _zone.Endpoint);
        }
        Assert.Contains("192.0.2.1", await DigAsync(Host, "A"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Through_a_real_caching_resolver_all_addresses_arrive_and_one_that_is_removed_is_gone_when_its_time_is_over()
    {
        Assert.SkipWhen(CachingResolver.Program is null, "unbound is not installed.");
        await PublishAsync(3, s_one, s_two);
        await using CachingResolver resolver = await CachingResolver.StartAsync(Host, _zone.Endpoint, Path.Combine(_folder, "unbound"));
        for (int i = 0; i < 5; i++) Assert.Equal([s_one, s_two], (await resolver.AskAsync(Host)).Addresses.OrderBy(a => a.ToString(), StringComparer.Ordinal));
        await PublishAsync(3, s_two);
        long removed = TimeProvider.System.GetTimestamp();
        TimeSpan last = TimeSpan.Zero;
        while (TimeProvider.System.GetElapsedTime(removed) < TimeSpan.FromSeconds(8))
        {
            (IReadOnlyList<IPAddress> addresses, TimeSpan good) = await resolver.AskAsync(Host);
            Assert.NotEmpty(addresses);
            Assert.InRange(good, TimeSpan.Zero, TimeSpan.FromSeconds(3));
            if (addresses.Contains(s_one)) last = TimeProvider.System.GetElapsedTime(removed);
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }
        Assert.InRange(last, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    private EmbeddedZone Start() => EmbeddedZone.Start(Path.Combine(_folder, "zone.json"), Host, IPAddress.Loopback, new IPEndPoint(IPAddress.Loopback, 0), TimeProvider.System);

    private Task PublishAsync(int ttl, params IPAddress[] addresses) => _zone.PublishAsync(addresses.ToHashSet(), TimeSpan.FromSeconds(ttl), default);

    private static string Flags(string answer) => answer.Split(";; flags:")[1].Split(';')[0];

    private async Task<string> DigAsync(params string[] what)
    {
        string? program = new[] { "/usr/bin/dig", "/usr/local/bin/dig", "/opt/homebrew/bin/dig" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(program is null, "dig is not installed.");
        using Process dig = Process.Start(new ProcessStartInfo(program!, [$"@{_zone.Endpoint.Address}", "-p", $"{_zone.Endpoint.Port}", "+time=3", "+tries=2", .. what]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        string answer = await dig.StandardOutput.ReadToEndAsync();
        await dig.WaitForExitAsync();
        return answer;
    }
}
