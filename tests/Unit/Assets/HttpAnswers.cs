using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace GlobalCache.Tests.Assets;

/// <summary>Reads HTTP/1.1 answers with a Content-Length one after another from a connection.</summary>
internal sealed class HttpAnswers(Socket socket)
{
    private readonly byte[] _buffer = new byte[256 << 10];
    private int _filled;

    public async Task<(string Head, byte[] Body)> NextAsync(CancellationToken ct)
    {
        while (true)
        {
            int end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                string head = Encoding.ASCII.GetString(_buffer, 0, end);
                int at = head.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase) + "Content-Length: ".Length;
                int length = int.Parse(head.AsSpan(at, head.AsSpan(at).IndexOfAny('\r', ' ') is var n and >= 0 ? n : head.Length - at), CultureInfo.InvariantCulture);
                int total = end + 4 + length;
                while (_filled < total) await MoreAsync(ct);
                byte[] body = _buffer[(end + 4)..total];
                _buffer.AsSpan(total, _filled - total).CopyTo(_buffer);
                _filled -= total;
                return (head, body);
            }
            await MoreAsync(ct);
        }
    }

    private async Task MoreAsync(CancellationToken ct)
    {
        int read = await socket.ReceiveAsync(_buffer.AsMemory(_filled), ct);
        if (read == 0) throw new IOException("The connection ended within an answer.");
        _filled += read;
    }
}
