using System.Net;
using System.Net.Sockets;
using GlobalCache.Master.Zones;

namespace GlobalCache.Tests.Zones;

/// <summary>What the embedded name server does with datagrams and connections that no resolver would send. Damaged ones by the million: the target <c>dns-query</c> of <c>HostileInputTests</c>.</summary>
public sealed class HostileDnsTests : IDisposable
{
    private const int ConnectionsOfOne = 16;
    private static readonly byte[] s_name = [4, .. "grid"u8, 7, .. "example"u8, 3, .. "net"u8, 0];

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-zone-").FullName;
    private readonly EmbeddedZone _zone;

    public HostileDnsTests() => _zone = EmbeddedZone.Start(Path.Combine(_folder, "zone.json"), "grid.example.net", IPAddress.Loopback, new IPEndPoint(IPAddress.Loopback, 0), TimeProvider.System);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _zone.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public static TheoryData<string, byte[]> Refused => new()
    {
        { "an answer", Message(flags: 0x81) },
        { "an update", Message(flags: 0x28) },
        { "no question", Message(questions: 0) },
        { "two questions", [.. Message(questions: 2), .. s_name, 0, 1, 0, 1] },
        { "a record with the question", [.. Message(records: 1), 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1] },
        { "two additions", [.. Message(extras: 2), .. Edns(), .. Edns()] },
        { "an addition that is not EDNS", [.. Message(extras: 1), 0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0] },
        { "options that end behind the message", [.. Message(extras: 1), .. Edns()[..^1], 9] },
        { "something behind the end", [.. Message(), 0] },
        { "a name by pointer", Message(name: [0xC0, 12]) },
        { "a name without end", Message(name: [4, .. "grid"u8]) },
        { "a name longer than names are", Message(name: [.. Enumerable.Range(0, 128).SelectMany(_ => "\u0001a"u8.ToArray()), 0]) },
        { "a label of an unknown kind", Message(name: [0x41, 1, 0, 0]) },
        { "a header cut short", Message()[..11] },
        { "nothing", [] },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_is_not_shaped_as_a_query_is_dropped_unread(string what, byte[] message) => Assert.False(DnsQueryShape.Fits(message), what);

    [Fact]
    public void Queries_are_let_through_with_and_without_edns_and_with_the_longest_name()
    {
        Assert.True(DnsQueryShape.Fits(Message()));
        Assert.True(DnsQueryShape.Fits(Message(name: [0])));
        Assert.True(DnsQueryShape.Fits([.. Message(extras: 1), .. Edns()]));
        Assert.True(DnsQueryShape.Fits([.. Message(extras: 1), .. Edns()[..^1], 4, 0, 10, 0, 0]));
        Assert.True(DnsQueryShape.Fits(Message(name: [.. Enumerable.Range(0, 127).SelectMany(_ => "\u0001a"u8.ToArray()), 0])));
    }

    [Fact]
    public async Task An_answer_is_not_answered()
    {
        using var udp = new UdpClient();
        for (int i = 0; i < 20; i++) await udp.SendAsync(Message(flags: 0x81), _zone.Endpoint, Ct);
        byte[] query = Message();
        query[0] = 0x77;
        // What is answered first is what was sent last.
        for (int i = 0; i < 5; i++) await udp.SendAsync(query, _zone.Endpoint, Ct);
        Assert.Equal(0x77, (await udp.ReceiveAsync(Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Ct)).Buffer[0]);
    }

    [Fact]
    public async Task One_address_has_sixteen_connections_and_has_them_again_when_they_have_ended()
    {
        List<TcpClient> open = [];
        for (int i = 0; i < ConnectionsOfOne; i++) open.Add(await AskedAsync());
        await Assert.ThrowsAnyAsync<IOException>(AskedAsync);
        foreach (TcpClient one in open) one.Dispose();
        // The server sees it a moment later.
        for (int i = 0; ; i++)
        {
            try
            {
                (await AskedAsync()).Dispose();
                return;
            }
            catch (IOException) when (i < 200)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
            }
        }
    }

    // A connection over which one query was answered.
    private async Task<TcpClient> AskedAsync()
    {
        var client = new TcpClient();
        try
        {
            await client.ConnectAsync(_zone.Endpoint, Ct);
            byte[] query = Message(), answer = new byte[14];
            await client.GetStream().WriteAsync((byte[])[0, (byte)query.Length, .. query], Ct);
            await client.GetStream().ReadExactlyAsync(answer, Ct);
            return client;
        }
        catch (IOException)
        {
            client.Dispose();
            throw;
        }
    }

    private static byte[] Message(byte flags = 1, byte questions = 1, byte records = 0, byte extras = 0, byte[]? name = null) =>
        [0x12, 0x34, flags, 0, 0, questions, 0, records, 0, 0, 0, extras, .. name ?? s_name, 0, 1, 0, 1];

    private static byte[] Edns() => [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0];
}
