using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Bench;

/// <summary>
/// The floor of misses: a process that does nothing but hand bytes from one socket to another. On a machine whose cores are all
/// busy with a direct transfer already, no process in between can do better.
/// </summary>
internal static class BareRelay
{
    public const string Verb = "serve-relay";

    public static async Task RunAsync(int port)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await Console.Out.WriteLineAsync($"listening {listener.LocalEndPoint}");
        while (true)
        {
            Socket near = await listener.AcceptAsync();
            var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            near.NoDelay = true;
            await far.ConnectAsync(IPAddress.Loopback, port);
            _ = CopyAsync(near, far);
            _ = CopyAsync(far, near);
        }
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[64 << 10];
        while (await from.ReceiveAsync(buffer) is int count and > 0) await to.SendAsync(buffer.AsMemory(0, count));
    }
}
