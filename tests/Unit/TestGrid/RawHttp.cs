using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace GlobalCache.Tests.TestGrid;

/// <summary>One HTTP exchange byte by byte: header names and reason phrases as they are, which HttpClient would polish.</summary>
internal static class RawHttp
{
    public sealed record Reply(string StatusLine, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body)
    {
        public string Text => Encoding.UTF8.GetString(Body);

        public string? Header(string name) => Headers.FirstOrDefault(h => h.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
    }

    public static async Task<Reply> SendAsync(
        Uri grid, string method, string target, IEnumerable<(string Name, string Value)> headers, string body, CancellationToken cancelled)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(grid.Host, grid.Port, cancelled);
        await using NetworkStream stream = client.GetStream();
        byte[] content = Encoding.UTF8.GetBytes(body);
        var head = new StringBuilder($"{method} {target} HTTP/1.1\r\nHost: {grid.Authority}\r\n");
        foreach ((string name, string value) in headers) head.Append($"{name}: {value}\r\n");
        if (method == "POST") head.Append($"Content-Length: {content.Length}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), cancelled);
        await stream.WriteAsync(content, cancelled);
        return await ReadAsync(stream, method, cancelled);
    }

    private static async Task<Reply> ReadAsync(NetworkStream stream, string method, CancellationToken cancelled)
    {
        var got = new List<byte>();
        byte[] buffer = new byte[16 << 10];
        int end;
        while ((end = CollectionEnd(got)) < 0)
        {
            int n = await stream.ReadAsync(buffer, cancelled);
            if (n == 0) throw new IOException("no reply");
            got.AddRange(buffer.AsSpan(0, n));
        }

        string[] lines = Encoding.ASCII.GetString([.. got[..end]]).Split("\r\n");
        (string Name, string Value)[] headers = [.. lines[1..].Select(l => l.Split(": ", 2)).Select(p => (p[0], p[1]))];
        var body = got[(end + 4)..];
        int length = method == "HEAD" ? 0
            : int.Parse(headers.First(h => h.Name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)).Value, CultureInfo.InvariantCulture);
        while (body.Count < length)
        {
            int n = await stream.ReadAsync(buffer, cancelled);
            if (n == 0) throw new IOException($"{body.Count} of {length} bytes");
            body.AddRange(buffer.AsSpan(0, n));
        }

        return new Reply(lines[0], headers, [.. body]);
    }

    private static int CollectionEnd(List<byte> got)
    {
        for (int i = 0; i + 3 < got.Count; i++)
        {
            if (got[i] == '\r' && got[i + 1] == '\n' && got[i + 2] == '\r' && got[i + 3] == '\n') return i;
        }

        return -1;
    }
}
