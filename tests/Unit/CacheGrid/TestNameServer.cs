using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>A name server on loopback that knows one name's addresses, or says nothing (RFC 1035 §4).</summary>
internal sealed class TestNameServer : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Task _serving;
    private int _asked;

    public TestNameServer()
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _serving = ServeAsync();
    }

    public string HostAndPort => _socket.LocalEndPoint!.ToString()!;

    public IReadOnlyList<IPAddress> Addresses { get; set; } = [];

    public int TtlSeconds { get; set; } = 5;

    public bool Silent { get; set; }

    public int Asked => Volatile.Read(ref _asked);

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        byte[] query = new byte[512];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await _socket.ReceiveFromAsync(query, new IPEndPoint(IPAddress.Any, 0));
                Interlocked.Increment(ref _asked);
                if (!Silent) await _socket.SendToAsync(Answer(query.AsSpan(0, got.ReceivedBytes)), got.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> query)
    {
        int question = 12 + query[12..].IndexOf((byte)0) + 1 + 4;
        IReadOnlyList<IPAddress> addresses = Addresses;
        byte[] answer = new byte[question + 16 * addresses.Count];
        query[..question].CopyTo(answer);
        // An authoritative answer to one question.
        (answer[2], answer[3]) = (0x85, 0x80);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(6), (ushort)addresses.Count);
        answer.AsSpan(8, 4).Clear();
        for (int i = 0; i < addresses.Count; i++)
        {
            Span<byte> record = answer.AsSpan(question + 16 * i);
            // The question's name; A, IN.
            ((ReadOnlySpan<byte>)[0xC0, 12, 0, 1, 0, 1]).CopyTo(record);
            BinaryPrimitives.WriteInt32BigEndian(record[6..], TtlSeconds);
            BinaryPrimitives.WriteUInt16BigEndian(record[10..], 4);
            addresses[i].GetAddressBytes().CopyTo(record[12..]);
        }
        return answer;
    }
}
