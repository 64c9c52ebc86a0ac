using System.Net;
using System.Net.Sockets;
using System.Text;

namespace GlobalCache.Tests.Edge;

/// <summary>Requests byte by byte as a test wants them.</summary>
internal static class RawHttp
{
    /// <summary>Sends and reads until the other side closes.</summary>
    public static async Task<string> SendAsync(int port, string request)
    {
        using Socket socket = await ConnectAsync(port);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        return await ReadToEndAsync(socket);
    }

    public static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    public static async Task<string> ReadToEndAsync(Socket socket)
    {
        using var all = new MemoryStream();
        var piece = new byte[4096];
        try
        {
            for (int read; (read = await socket.ReceiveAsync(piece)) > 0;) all.Write(piece, 0, read);
        }
        catch (SocketException)
        {
            // Closed the hard way: what came before counts.
        }
        return Encoding.Latin1.GetString(all.ToArray());
    }

    /// <summary>Reads up to the empty line behind a head.</summary>
    public static async Task<string> ReadHeadAsync(Socket socket)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await socket.ReceiveAsync(one) == 1) text.Append((char)one[0]);
        return text.ToString();
    }

    public static int Status(string response) => response.Length < 12 ? 0 : int.Parse(response.AsSpan(9, 3));
}
