using System.Net;
using System.Net.Sockets;
using System.Text;

namespace GlobalCache.Tests.Assets;

/// <summary>An asset host without manners: for each request it sends exactly the bytes the test gives, true or not, and may hang up.</summary>
internal sealed class RawOrigin : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<int, string, (string Head, byte[] Body, bool HangUp)> _answer;
    private readonly Task _accepting;
    private int _requests;

    /// <param name="answer">From the request's number (0…) and its text: the head without the final empty line, the body, and whether to hang up then.</param>
    public RawOrigin(Func<int, string, (string Head, byte[] Body, bool HangUp)> answer)
    {
        _answer = answer;
        _listener.Start();
        Url = new Uri($"http://{_listener.LocalEndpoint}");
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    public int Requests => Volatile.Read(ref _requests);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using Socket owned = socket;
        byte[] buffer = new byte[8192];
        int filled = 0;
        try
        {
            while (true)
            {
                int read = await socket.ReceiveAsync(buffer.AsMemory(filled), _stop.Token);
                if (read == 0) return;
                filled += read;
                string text = Encoding.Latin1.GetString(buffer, 0, filled);
                int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (end < 0) continue;
                filled = 0;
                (string head, byte[] body, bool hangUp) = _answer(Interlocked.Increment(ref _requests) - 1, text[..end]);
                await socket.SendAsync(Encoding.Latin1.GetBytes(head.ReplaceLineEndings("\r\n") + "\r\n\r\n"), _stop.Token);
                await socket.SendAsync(body, _stop.Token);
                if (hangUp) return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Stopped, or the other end has gone.
        }
    }
}
