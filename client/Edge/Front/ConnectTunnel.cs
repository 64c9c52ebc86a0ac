using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using GlobalCache.Client.Ways;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Tunnels for the web proxy (RFC 9110 §9.3.6), laid before anything is parsed as HTTP: a connection that begins with CONNECT is
/// joined with the host it names, and its bytes are carried both ways unseen. Everything else goes on as if this were not here.
/// </summary>
internal sealed class ConnectTunnel(ConnectionDelegate next, Reach reach, TimeProvider time, ILogger log)
{
    private const int MaxHead = 8 << 10, PieceBytes = 16 << 10;

    /// <summary>How long the head of a request may take to arrive; a connection that has said nothing waits longer.</summary>
    public static readonly TimeSpan HeadTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How long a connection may say nothing before its first request.</summary>
    public static readonly TimeSpan FirstByteTimeout = TimeSpan.FromMinutes(5);

    /// <summary>A tunnel without a byte either way for this long is closed. Longer than any event queue's poll.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(10);

    private static ReadOnlySpan<byte> Method => "CONNECT "u8;

    private static ReadOnlySpan<byte> HeadEnd => "\r\n\r\n"u8;

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        Socket? viewer = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (viewer is null || await ReadHeadAsync(connection) is not { } head)
        {
            await next(connection);
            return;
        }
        if (head.Length == 0) return;
        await TunnelAsync(connection, viewer, head);
    }

    /// <summary>The whole head of a CONNECT request, taken out of the stream; null when it is something else, empty when it never became one.</summary>
    private async Task<string?> ReadHeadAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        using var patience = new CancellationTokenSource(FirstByteTimeout, time);
        using CancellationTokenRegistration cancel = patience.Token.UnsafeRegister(static p => ((PipeReader)p!).CancelPendingRead(), input);
        long examined = 0;
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (!BeginsWithMethod(buffer))
            {
                // Nothing more is marked as examined, so that whoever parses it sees it at once.
                input.AdvanceTo(buffer.Start, buffer.GetPosition(examined));
                return null;
            }
            var reader = new SequenceReader<byte>(buffer);
            if (reader.TryReadTo(out ReadOnlySequence<byte> head, HeadEnd))
            {
                string text = Encoding.Latin1.GetString(head);
                input.AdvanceTo(reader.Position);
                return text;
            }
            if (read.IsCanceled || read.IsCompleted || buffer.Length > MaxHead)
            {
                input.AdvanceTo(buffer.End);
                return "";
            }
            if (examined == 0 && buffer.Length > 0) patience.CancelAfter(HeadTimeout);
            examined = buffer.Length;
            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Whether the bytes so far are the method, or its beginning. Nothing at all is a beginning, unless the connection has ended.</summary>
    private static bool BeginsWithMethod(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> start = stackalloc byte[Method.Length];
        int length = (int)Math.Min(buffer.Length, start.Length);
        buffer.Slice(0, length).CopyTo(start);
        return Method.StartsWith(start[..length]);
    }

    private async Task TunnelAsync(ConnectionContext connection, Socket viewer, string head)
    {
        if (!TryTarget(head, out string host, out int port))
        {
            await AnswerAsync(viewer, "400 Bad Request");
            return;
        }
        Socket? grid;
        try
        {
            grid = await reach.ConnectAsync(host, port, connection.ConnectionClosed);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            WaysLog.TunnelRefused(log, port, "nobody answers");
            await AnswerAsync(viewer, "502 Bad Gateway");
            return;
        }
        if (grid is null)
        {
            WaysLog.TunnelRefused(log, port, "an address of this machine or network");
            await AnswerAsync(viewer, "403 Forbidden");
            return;
        }
        using (grid)
        using (var idle = new CancellationTokenSource(IdleTimeout, time))
        {
            CancellationToken stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
            using CancellationTokenRegistration stop = stopping.UnsafeRegister(static i => ((CancellationTokenSource)i!).Cancel(), idle);
            if (!await AnswerAsync(viewer, "200 Connection Established")) return;
            Task up = UpAsync(connection.Transport.Input, grid, idle);
            Task down = DownAsync(grid, viewer, idle);
            await up;
            await down;
        }
    }

    /// <summary>To the grid: what the transport has read, until the viewer has said everything.</summary>
    private static async Task UpAsync(PipeReader input, Socket grid, CancellationTokenSource idle)
    {
        using CancellationTokenRegistration cancel = idle.Token.UnsafeRegister(static p => ((PipeReader)p!).CancelPendingRead(), input);
        try
        {
            while (true)
            {
                ReadResult read = await input.ReadAsync();
                if (read.IsCanceled) return;
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                    for (ReadOnlyMemory<byte> left = piece; left.Length > 0;)
                        left = left[await grid.SendAsync(left, idle.Token)..];
                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) break;
                idle.CancelAfter(IdleTimeout);
            }
            grid.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or ConnectionAbortedException)
        {
            await idle.CancelAsync();
        }
    }

    /// <summary>
    /// To the viewer, past the transport, which cannot close one direction alone: the viewer may go on sending after the grid has
    /// said everything, and the other way round.
    /// </summary>
    private static async Task DownAsync(Socket grid, Socket viewer, CancellationTokenSource idle)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            for (int read; (read = await grid.ReceiveAsync(piece, idle.Token)) > 0;)
            {
                for (Memory<byte> left = piece.AsMemory(0, read); left.Length > 0;)
                    left = left[await viewer.SendAsync(left, idle.Token)..];
                idle.CancelAfter(IdleTimeout);
            }
            viewer.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            await idle.CancelAsync();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static async Task<bool> AnswerAsync(Socket viewer, string status)
    {
        try
        {
            string rest = status[0] == '2' ? "" : "Content-Length: 0\r\nConnection: close\r\n";
            await viewer.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\n{rest}\r\n"));
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary><c>CONNECT host:port HTTP/1.x</c>; the port is not optional.</summary>
    private static bool TryTarget(string head, out string host, out int port)
    {
        (host, port) = ("", 0);
        string[] words = head.Split("\r\n", 2)[0].Split(' ');
        if (words.Length != 3 || !words[2].StartsWith("HTTP/1.", StringComparison.Ordinal)) return false;
        int colon = words[1].LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(words[1].AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)) return false;
        host = words[1][..colon];
        return port is > 0 and <= 65535 && Uri.CheckHostName(host) != UriHostNameType.Unknown;
    }
}
