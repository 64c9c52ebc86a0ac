using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace GlobalCache.TestGrid.Link;

/// <summary>
/// Puts a <see cref="SharedLink"/> between Kestrel and its socket, as connection middleware: what either side sends queues
/// for the shared bandwidth, travels half a round trip, and is subject to its connection's congestion window. A new
/// connection's first bytes start one round trip late, which is what the handshake takes.
/// </summary>
internal static class ShapedConnection
{
    // Small enough that many connections share fairly, large enough that timers can follow.
    private const int Chunk = 2 * CongestionWindow.Segment;
    private static readonly TimeSpan Ahead = TimeSpan.FromMilliseconds(2);
    // What stands in for the sender's socket buffer.
    private static readonly PipeOptions Buffer = new(pauseWriterThreshold: 128 << 10, resumeWriterThreshold: 64 << 10, useSynchronizationContext: false);

    public static async Task RunAsync(ConnectionContext connection, SharedLink link, ConnectionDelegate next)
    {
        IDuplexPipe socket = connection.Transport;
        Pipe up = new(Buffer), down = new(Buffer);
        connection.Transport = new Ends(up.Reader, down.Writer);
        using var ended = new CancellationTokenSource();
        long established = TimeProvider.System.GetTimestamp() + LinkDirection.Ticks(link.Shape.RoundTrip, TimeProvider.System);
        Task carryingUp = CarryAsync(socket.Input, up.Writer, link.Up, link, established, ended.Token);
        Task carryingDown = CarryAsync(down.Reader, socket.Output, link.Down, link, 0, ended.Token);
        try
        {
            await next(connection);
        }
        finally
        {
            await up.Reader.CompleteAsync();
            await down.Writer.CompleteAsync();
            // What was answered still travels; what was asked is of no interest any more.
            if (!connection.ConnectionClosed.IsCancellationRequested) await carryingDown;
            await ended.CancelAsync();
            await Task.WhenAll(carryingUp, carryingDown);
            connection.Transport = socket;
        }
    }

    private static async Task CarryAsync(
        PipeReader from, PipeWriter to, LinkDirection direction, SharedLink link, long established, CancellationToken ended)
    {
        TimeProvider time = TimeProvider.System;
        var window = new CongestionWindow(link.Shape, time);
        var travelling = Channel.CreateUnbounded<(byte[] Bytes, long At)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        Task delivering = DeliverAsync(travelling.Reader, to, link.Clock, ended);
        long ahead = LinkDirection.Ticks(Ahead, time), ready = established, last = established;
        try
        {
            while (true)
            {
                ValueTask<ReadResult> reading = from.ReadAsync(ended);
                // Bytes that had to be waited for are ready now; those that lay there were ready when the last ones had gone.
                bool waited = !reading.IsCompleted;
                ReadResult read = await reading;
                if (waited) ready = Math.Max(time.GetTimestamp(), established);
                ReadOnlySequence<byte> left = read.Buffer;
                while (!left.IsEmpty && !delivering.IsCompleted)
                {
                    byte[] bytes = left.Slice(0, Math.Min(left.Length, Chunk)).ToArray();
                    left = left.Slice(bytes.Length);
                    ready = window.Opens(bytes.Length, ready);
                    await link.Clock.UntilAsync(ready - ahead, ended);
                    last = direction.Departure(bytes.Length, ready);
                    window.Sent(bytes.Length, last);
                    travelling.Writer.TryWrite((bytes, direction.Arrival(last)));
                    await link.Clock.UntilAsync(last - ahead, ended);
                    ready = last;
                }

                from.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || delivering.IsCompleted) break;
            }

            // The end of the stream travels too.
            travelling.Writer.TryWrite(([], direction.Arrival(Math.Max(last, time.GetTimestamp()))));
        }
        catch (Exception over) when (over is OperationCanceledException or ConnectionResetException or ConnectionAbortedException or IOException)
        {
            // The connection is gone: nothing more to carry.
        }

        travelling.Writer.TryComplete();
        await delivering;
        await to.CompleteAsync();
    }

    private static async Task DeliverAsync(ChannelReader<(byte[] Bytes, long At)> travelling, PipeWriter to, LinkClock clock, CancellationToken ended)
    {
        try
        {
            await foreach ((byte[] bytes, long at) in travelling.ReadAllAsync(ended))
            {
                await clock.UntilAsync(at, ended);
                if (bytes.Length == 0) return;
                FlushResult flushed = await to.WriteAsync(bytes, ended);
                if (flushed.IsCompleted) return;
            }
        }
        catch (Exception over) when (over is OperationCanceledException or IOException or InvalidOperationException)
        {
            // The receiver is gone.
        }
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
