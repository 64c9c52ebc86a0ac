using System.Buffers.Binary;
using System.Net;
using System.Threading.Channels;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using GlobalCache.Master.Zones;

namespace GlobalCache.Tests.Fuzz;

/// <summary>
/// Datagrams to the embedded name server, through the library that reads them, without a socket: whatever comes, it is done with soon, what is answered is a query with one question, and the answer is
/// that query's and fits.
/// </summary>
internal sealed class DnsQueries : IServerTransport
{
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(10);
    private static readonly IPEndPoint s_asker = new(IPAddress.Parse("203.0.113.7"), 40_000), s_here = new(IPAddress.Loopback, 53);

    private readonly Channel<IServerConnection?> _coming = Channel.CreateUnbounded<IServerConnection?>();

    public ushort DefaultAllowedResponseSize => 512;

    public bool SupportsMultipleResponses => false;

    public bool AllowTruncatedResponses => true;

    public TransportProtocol TransportProtocol => TransportProtocol.Udp;

    /// <summary>The server, its zone with two hundred nodes, and what it is meant for.</summary>
    public static FuzzTarget Target()
    {
        var content = new ZoneContent
        {
            Host = DomainName.Parse("grid.example.net"),
            Serial = 7,
            Master = IPAddress.Parse("198.51.100.1"),
            Nodes = [.. Enumerable.Range(1, 200).Select(i => new IPAddress([192, 0, 2, (byte)i])), IPAddress.Parse("2001:db8::1")],
        };
        var datagrams = new DnsQueries();
        _ = EmbeddedDns.Over(datagrams, content.Answer, TimeProvider.System);
        return new(Seeds(), datagrams.Ask);
    }

    public void Bind()
    {
    }

    public void Close() => _coming.Writer.TryComplete();

    public void Dispose() => Close();

    public async Task<IServerConnection?> AcceptConnectionAsync(CancellationToken token = default) => await _coming.Reader.ReadAsync(token);

    private static IReadOnlyList<byte[]> Seeds()
    {
        byte[] host = [4, .. "grid"u8, 7, .. "example"u8, 3, .. "net"u8, 0];
        byte[] edns = [0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
        byte[] Plain(byte[] name, byte type) => [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name, 0, type, 0, 1];
        byte[] With(byte[] name, byte type) => [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, .. name, 0, type, 0, 1, .. edns];
        // A name as long as names may be, asked for once more by a signature's pointers: short to ask, long to answer.
        byte[] longest = [.. Enumerable.Range(0, 3).SelectMany(_ => (byte[])[60, .. Enumerable.Repeat((byte)'a', 60)]), 50, .. Enumerable.Repeat((byte)'b', 50), .. host];
        byte[] signed = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, .. longest, 0, 1, 0, 1, 0xC0, 12, 0, 250, 0, 255, 0, 0, 0, 0, 0, 29, 11, .. "hmac-sha256"u8, 0, 0, 0, 0, 0, 0, 0, 1, 44, 0, 0, 0x12, 0x34, 0, 0, 0, 0];
        return
        [
            Plain(host, 1), Plain(host, 28), Plain(host, 255), Plain(host, 252), With(host, 1), With(host, 28), With([2, .. "ns"u8, .. host], 1), With([6, .. "nobody"u8, .. host], 1), With([7, .. "example"u8, 3, .. "org"u8, 0], 1),
            Plain(longest, 1), With(longest, 1), signed,
            // An answer, a notice with a record, an update.
            [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, .. host, 0, 1, 0, 1, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1],
            [0x12, 0x34, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. host, 0, 6, 0, 1],
            [0x12, 0x34, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. host, 0, 6, 0, 1],
        ];
    }

    private bool Ask(byte[] input)
    {
        // More than the socket's buffer is cut off by the library's socket.
        byte[] read = input.Length > DefaultAllowedResponseSize ? input[..DefaultAllowedResponseSize] : input;
        var datagram = new Datagram(this, read);
        if (datagram.Package is null) return false;
        Assert.True(_coming.Writer.TryWrite(datagram));
        Assert.True(datagram.Done.Wait(s_most), "It is not done with the datagram.");
        if (datagram.Answer is not { } answer) return false;
        Assert.True(answer.Length >= 12 && read.Length >= 12 && answer[0] == read[0] && answer[1] == read[1] && (answer[2] & 0x80) != 0, "The answer is not that query's.");
        Assert.True(read.Length > 2 && (read[2] & 0x80) == 0, "What is no query is answered.");
        Assert.True(BinaryPrimitives.ReadUInt16BigEndian(read.AsSpan(4)) == 1, "It answers more than one question.");
        Assert.InRange(answer.Length, 12, EmbeddedDns.LargestDatagram);
        return true;
    }

    private sealed class Datagram : IServerConnection
    {
        private readonly DnsQueries _all;

        public Datagram(DnsQueries all, byte[] input)
        {
            _all = all;
            byte[] buffer = new byte[2 + all.DefaultAllowedResponseSize];
            BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)input.Length);
            input.CopyTo(buffer, 2);
            try
            {
                Package = new DnsReceivedRawPackage(buffer, s_asker, s_here);
            }
            catch (Exception)
            {
                // The library's own transport drops it here.
            }
        }

        public DnsReceivedRawPackage? Package { get; }

        public ManualResetEventSlim Done { get; } = new();

        public byte[]? Answer { get; private set; }

        public IServerTransport Transport => _all;

        public IPEndPoint RemoteEndPoint => s_asker;

        public IPEndPoint LocalEndPoint => s_here;

        public bool CanRead { get; private set; } = true;

        public Task<bool> InitializeAsync(CancellationToken token = default) => Task.FromResult(true);

        public Task<DnsReceivedRawPackage?> ReceiveAsync(CancellationToken token = default)
        {
            CanRead = false;
            return Task.FromResult(Package);
        }

        public Task<bool> SendAsync(DnsRawPackage package, CancellationToken token = default)
        {
            Assert.Null(Answer);
            Answer = package.ToArraySegment(false).AsSpan(0, package.Length).ToArray();
            return Task.FromResult(true);
        }

        public void Dispose() => Done.Set();
    }
}
