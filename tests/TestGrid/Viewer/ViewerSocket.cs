using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>A viewer's one UDP socket: all its circuits send from it, and the sender's port says which region speaks.</summary>
internal sealed class ViewerSocket : IAsyncDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(25);
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource stopping = new();
    private readonly Task[] loops;

    private readonly Func<bool> loses;

    public ViewerSocket(TimeProvider time, Func<bool> loses)
    {
        this.loses = loses;
        socket.ReceiveBufferSize = 4 << 20;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        loops = [Task.Run(ReceiveAsync), Task.Run(() => BeatAsync(time))];
    }

    public int LocalPort => ((IPEndPoint)socket.LocalEndPoint!).Port;

    public ConcurrentDictionary<IPEndPoint, ViewerCircuit> Circuits { get; } = new();

    public void Send(byte[] wire, IPEndPoint sim)
    {
        if (loses()) return;
        try
        {
            socket.SendTo(wire, sim);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // Nobody there; resends and patience deal with it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(loops);
        socket.Dispose();
        stopping.Dispose();
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[Datagram.MaxBytes];
        var any = new IPEndPoint(IPAddress.Any, 0);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, any, stopping.Token);
                // Strangers are not listened to.
                if (!loses() && Circuits.TryGetValue((IPEndPoint)got.RemoteEndPoint, out ViewerCircuit? circuit)
                    && Datagram.TryRead(buffer.AsSpan(0, got.ReceivedBytes), out Datagram datagram)) circuit.Receive(datagram);
            }
            catch (SocketException)
            {
                // A simulator's port was closed.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task BeatAsync(TimeProvider time)
    {
        using var timer = new PeriodicTimer(Beat, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
            {
                foreach (ViewerCircuit circuit in Circuits.Values.Where(c => !c.Disabled)) circuit.Tick();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}
