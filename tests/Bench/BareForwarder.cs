using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Edge;

namespace GlobalCache.Bench;

/// <summary>
/// The floor of forwarding: two sockets, two blocking threads, reused buffers and addresses, the sequence number written anew, nothing else.
/// What a managed program can do on this machine without looking at what it carries.
/// </summary>
internal static class BareForwarder
{
    public const string Verb = "serve-bare-forwarder";

    public static void Run(int simPort)
    {
        using Socket local = UdpSockets.Bind(IPAddress.Loopback), upstream = UdpSockets.Bind(IPAddress.Any);
        SocketAddress sim = new IPEndPoint(IPAddress.Loopback, simPort).Serialize();
        SocketAddress viewer = UdpSockets.NewAddress();
        Begin(local, viewer, upstream, sim, shift: 0);
        Begin(upstream, UdpSockets.NewAddress(), local, viewer, shift: 0);
        ToldProcess.Obey(words => words switch
        {
            ["port"] => ((IPEndPoint)local.LocalEndPoint!).Port,
            ["usage"] => Usage.Now(),
            _ => throw new InvalidOperationException(words[0]),
        });
    }

    private static void Begin(Socket from, SocketAddress source, Socket to, SocketAddress destination, uint shift) => new Thread(() =>
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(16384, pinned: true);
        while (true)
        {
            int length = from.ReceiveFrom(buffer, SocketFlags.None, source);
            uint sequence = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(1));
            BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(1), sequence + shift);
            to.SendTo(buffer.AsSpan(0, length), SocketFlags.None, destination);
        }
    })
    { IsBackground = true }.Start();
}
