using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Edge;
using GlobalCache.Master.Zones;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Fuzz;

/// <summary>
/// What a name server may answer to all of ours that ask one, by a real socket, since a library reads it: the client about the nodes and about the asset host, the master about its zone. They get
/// addresses, or the error they are made for, soon, and not more addresses than they take.
/// </summary>
internal sealed class DnsAnswers : IDisposable
{
    private const string Host = "grid.example.net";
    private static readonly byte[] s_name = [4, .. "grid"u8, 7, .. "example"u8, 3, .. "net"u8, 0];

    private readonly UdpClient _server = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly NodeNames _nodes;
    private readonly NameServers _assetHost;
    private volatile byte[] _answer = [];

    private DnsAnswers()
    {
        var file = new GridFile { Name = "x", Host = Host, Port = 443, Ca = "", ControlKey = "", Master = new Uri("https://grid.example.net/"), Grids = [], NameServers = [At.ToString()] };
        _nodes = new NodeNames(file, (_, _) => throw new SocketException((int)SocketError.HostNotFound), WatchedLog.Unread);
        _assetHost = new NameServers(At, WatchedLog.Unread);
        new Thread(Serve) { IsBackground = true }.Start();
    }

    private IPEndPoint At => (IPEndPoint)_server.Client.LocalEndPoint!;

    /// <summary>All that ask, and what they are meant for.</summary>
    public static FuzzTarget Target() => new(Seeds(), new DnsAnswers().Ask);

    public void Dispose() => _server.Dispose();

    private static IReadOnlyList<byte[]> Seeds()
    {
        byte[] address = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1], six = [0xC0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        byte[] alias = [0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, (byte)'a', 0xC0, 12], text = [0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 3, 2, (byte)'h', (byte)'i'];
        byte[] authority = [0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 28, 2, .. "ns"u8, 0xC0, 12, 1, (byte)'h', 0xC0, 12, 0, 0, 0, 7, 0, 0, 0, 60, 0, 0, 0, 60, 0, 1, 0x51, 0x80, 0, 0, 0, 2];
        byte[] edns = [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0];
        byte[] Answer(byte code, byte answers, byte authorities, byte extras, byte[] records) => [0, 0, 0x84, code, 0, 1, 0, answers, 0, authorities, 0, extras, .. s_name, 0, 1, 0, 1, .. records];
        return
        [
            Answer(0, 1, 0, 0, address), Answer(0, 3, 0, 1, [.. address, .. address, .. six, .. edns]), Answer(0, 2, 0, 0, [.. alias, .. address]), Answer(3, 0, 1, 0, authority), Answer(0, 0, 1, 1, [.. authority, .. edns]),
            Answer(0, 2, 0, 0, [.. text, .. address]), Answer(5, 0, 0, 0, []), Answer(0, 40, 0, 0, [.. Enumerable.Range(0, 40).SelectMany(_ => address)]),
        ];
    }

    private bool Ask(byte[] input)
    {
        _answer = input.Length > 4096 ? input[..4096] : input;
        (IReadOnlyList<IPAddress> found, TimeSpan good) = _nodes.AskAsync(default).GetAwaiter().GetResult();
        Assert.InRange(found.Count, 0, NodeNames.MostAddresses);
        Assert.True(good >= TimeSpan.Zero);
        bool host = Came<SocketException>(() => _assetHost.ResolveAsync($"{Guid.NewGuid():N}.example.net", default));
        bool zone = Came<ZoneTroubleException>(() => AuthoritativeQuery.AskAsync(Host, [At], default));
        return found.Count > 0 || host || zone;
    }

    private static bool Came<T>(Func<Task> ask)
        where T : Exception
    {
        try
        {
            ask().GetAwaiter().GetResult();
            return true;
        }
        catch (T)
        {
            return false;
        }
    }

    // The number is the query's, or nothing of it would be read.
    private void Serve()
    {
        var from = new IPEndPoint(IPAddress.Any, 0);
        while (true)
        {
            byte[] query = _server.Receive(ref from), answer = [.. _answer];
            query.AsSpan(0, Math.Min(2, answer.Length)).CopyTo(answer);
            _server.Send(answer, from);
        }
    }
}
