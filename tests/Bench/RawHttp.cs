using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace GlobalCache.Bench;

/// <summary>
/// One keep-alive connection that sends prepared requests and reads answers by Content-Length: so little of its own that
/// what is measured is the server. Requests may be sent ahead (pipelining).
/// </summary>
internal sealed class RawHttp : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] buffer = new byte[256 * 1024];
    private int start, end;

    public RawHttp(IPEndPoint server) => socket.Connect(server);

    public static byte[] Get(Uri url, string? range = null) => Encoding.ASCII.GetBytes(
        $"GET {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\nAccept: image/x-j2c\r\n{(range is null ? "" : $"Range: {range}\r\n")}\r\n");

    public void Send(ReadOnlySpan<byte> request) => socket.Send(request);

    /// <summary>Reads one answer; <paramref name="onFirstByte"/> is called when its body begins, <paramref name="body"/> gets the bytes when given.</summary>
    public (int Status, long Length) Receive(Action? onFirstByte = null, Stream? body = null)
    {
        int head;
        while ((head = buffer.AsSpan(start, end - start).IndexOf("\r\n\r\n"u8)) < 0) Fill();
        ReadOnlySpan<byte> headers = buffer.AsSpan(start, head + 4);
        int at = headers.IndexOf("Content-Length: "u8);
        if (!Utf8Parser.TryParse(headers[9..], out int status, out _) || at < 0
            || !Utf8Parser.TryParse(headers[(at + 16)..], out long length, out _))
            throw new IOException("an answer without Content-Length");
        start += head + 4;
        if (length > 0 && start == end) Fill();
        onFirstByte?.Invoke();
        for (long left = length; left > 0;)
        {
            if (start == end) Fill();
            int take = (int)Math.Min(left, end - start);
            body?.Write(buffer, start, take);
            start += take;
            left -= take;
        }
        return (status, length);
    }

    private void Fill()
    {
        if (start == end) start = end = 0;
        else if (end == buffer.Length)
        {
            Buffer.BlockCopy(buffer, start, buffer, 0, end - start);
            (start, end) = (0, end - start);
        }
        int got = socket.Receive(buffer, end, buffer.Length - end, SocketFlags.None);
        if (got == 0) throw new IOException("the server closed the connection");
        end += got;
    }

    public void Dispose() => socket.Dispose();
}
