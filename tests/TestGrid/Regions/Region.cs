using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using GlobalCache.TestGrid.Link;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Regions;

/// <summary>One region: a UDP socket, the agents on it, and a clock that drives them.</summary>
internal sealed class Region : IAsyncDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(10);
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<IPEndPoint, Presence> circuits = new();
    private readonly DelayLine<(IPEndPoint To, byte[] Wire)>? down;
    private readonly DelayLine<(IPEndPoint From, byte[] Wire)>? up;
    private readonly Task[] loops;

    public Region(StandInGrid grid, RegionPlan plan)
    {
        (Grid, Plan) = (grid, plan);
        socket.ReceiveBufferSize = 4 << 20;
        socket.Bind(new IPEndPoint(IPAddress.Parse(grid.Options.Host), plan.UdpPort));
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        if (grid.Link is { } link)
        {
            down = new DelayLine<(IPEndPoint, byte[])>(link.Clock, d => SendNow(d.Item1, d.Item2));
            up = new DelayLine<(IPEndPoint, byte[])>(link.Clock, d => Receive(d.Item1, d.Item2));
        }

        loops = [Task.Run(ReceiveAsync), Task.Run(BeatAsync)];
    }

    public StandInGrid Grid { get; }

    public RegionPlan Plan { get; }

    public string Name => Plan.Name;

    public Guid Id => GridUser.IdOf("region " + Plan.Name);

    public IPEndPoint EndPoint { get; }

    /// <summary>The south-west corner in metres: X in the upper half, Y in the lower.</summary>
    public ulong Handle => HandleAt(Plan.X, Plan.Y);

    public IEnumerable<Region> Neighbours => Grid.AllRegions.Where(r =>
        r != this && Math.Abs((long)r.Plan.X - Plan.X) <= 1 && Math.Abs((long)r.Plan.Y - Plan.Y) <= 1);

    public static ulong HandleAt(uint x, uint y) => ((ulong)x * 256 << 32) | ((ulong)y * 256);

    /// <summary>Lets an agent in; <paramref name="known"/> when it was expected already: then everything stays as it is.</summary>
    public Presence Admit(GridSession session, bool asNeighbour, out bool known)
    {
        bool added = false;
        if (session.Presences.TryGetValue(this, out Presence? stale) && stale.Closed) session.Presences.TryRemove(new(this, stale));
        Presence presence = session.Presences.GetOrAdd(this, _ =>
        {
            added = true;
            return new Presence(session, this, asNeighbour);
        });
        known = !added;
        return presence;
    }

    public void Forget(Presence presence)
    {
        if (presence.Viewer is { } viewer) circuits.TryRemove(new(viewer, presence));
    }

    /// <summary>Sends one datagram to a viewer, over the line and its losses.</summary>
    public void Transmit(IPEndPoint viewer, byte[] wire)
    {
        if (Grid.Faults.Silent || Grid.Faults.Loses()) return;
        if (down is null) SendNow(viewer, wire);
        else if (Grid.Link!.Down.TryArrival(wire.Length, out long at)) down.Add((viewer, wire), at);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        socket.Dispose();
        await Task.WhenAll(loops);
        if (down is not null) await down.DisposeAsync();
        if (up is not null) await up.DisposeAsync();
        stopping.Dispose();
    }

    private void SendNow(IPEndPoint viewer, byte[] wire)
    {
        try
        {
            socket.SendTo(wire, viewer);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The viewer is gone; its circuit will time out.
        }
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
                var from = (IPEndPoint)got.RemoteEndPoint;
                byte[] wire = buffer[..got.ReceivedBytes];
                if (Grid.Faults.Silent || Grid.Faults.Loses()) continue;
                if (up is null) Receive(from, wire);
                else if (Grid.Link!.Up.TryArrival(wire.Length, out long at)) up.Add((from, wire), at);
            }
            catch (SocketException)
            {
                // A viewer's port was closed; the next datagram is another matter.
            }
            catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Receive(IPEndPoint from, byte[] wire)
    {
        if (!Datagram.TryRead(wire, out Datagram datagram)) return;
        if (datagram.Message == Message.UseCircuitCode)
        {
            var body = new BodyReader(datagram.Body);
            (uint code, Guid session, Guid agent) = (body.U32(), body.Id(), body.Id());
            Presence? expected = Grid.FindSession(session) is { } s && s.CircuitCode == code && s.AgentId == agent
                ? s.Presences.GetValueOrDefault(this) : null;
            if (expected is null || expected.Closed) return;
            Forget(expected);
            circuits[from] = expected;
            expected.Open(from, datagram);
        }
        else if (circuits.TryGetValue(from, out Presence? presence))
        {
            presence.Receive(datagram);
        }
    }

    private async Task BeatAsync()
    {
        using var timer = new PeriodicTimer(Beat, Grid.Options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
            {
                foreach (Presence presence in circuits.Values) presence.Tick();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}
