using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Circuits;

public sealed class UdpPumpTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Two_viewers_and_two_sims_talk_without_cross_talk()
    {
        using var simA = new Peer();
        using var simB = new Peer();
        await using var one = new Rig(code: 1);
        await using var two = new Rig(code: 2);
        using var viewerOne = new Peer();
        using var viewerTwo = new Peer();
        IPEndPoint oneA = one.Pump.Open(simA.Address)!, oneB = one.Pump.Open(simB.Address)!, twoA = two.Pump.Open(simA.Address)!;
        Assert.Equal(3, new[] { oneA.Port, oneB.Port, twoA.Port }.Distinct().Count());

        viewerOne.Send(oneA, LludpBytes.UseCircuitCode(1, code: 1));
        (_, IPEndPoint upstreamOneA) = await simA.ReceiveAsync();
        viewerOne.Send(oneB, LludpBytes.UseCircuitCode(1, code: 1));
        (_, IPEndPoint upstreamOneB) = await simB.ReceiveAsync();
        viewerTwo.Send(twoA, LludpBytes.UseCircuitCode(1, code: 2));
        (byte[] opened, IPEndPoint upstreamTwoA) = await simA.ReceiveAsync();

        // One source port a session, as a viewer has; another for another session, or the sim could not tell their circuits apart.
        Assert.Equal(upstreamOneA.Port, upstreamOneB.Port);
        Assert.NotEqual(upstreamOneA.Port, upstreamTwoA.Port);
        Assert.Equal(LludpBytes.UseCircuitCode(1, code: 2), opened);

        foreach ((Peer sim, IPEndPoint upstream, Peer viewer, IPEndPoint local, uint marker) in new[]
            { (simA, upstreamOneA, viewerOne, oneA, 100u), (simB, upstreamOneB, viewerOne, oneB, 200u), (simA, upstreamTwoA, viewerTwo, twoA, 300u) })
        {
            byte[] packet = LludpBytes.Packet(PacketFlags.Reliable, marker, [0x02, 7]);
            sim.Send(upstream, packet);
            (byte[] received, IPEndPoint source) = await viewer.ReceiveAsync();
            Assert.Equal(packet, received);
            Assert.Equal(local, source);
        }
    }

    [Fact]
    public async Task T15_Packets_to_viewer_facing_ports_from_another_port_are_ignored()
    {
        using var sim = new Peer();
        await using var rig = new Rig();
        using var viewer = new Peer();
        using var stranger = new Peer();
        IPEndPoint local = rig.Pump.Open(sim.Address)!;

        viewer.Send(local, LludpBytes.Packet(PacketFlags.None, 5, [0x04, 1]));                          // before UseCircuitCode
        viewer.Send(local, LludpBytes.UseCircuitCode(1, session: Guid.NewGuid()));
        viewer.Send(local, LludpBytes.UseCircuitCode(1, agent: Guid.NewGuid()));
        viewer.Send(local, LludpBytes.UseCircuitCode(1, code: 99));
        await rig.IgnoredAsync(4);
        viewer.Send(local, LludpBytes.UseCircuitCode(1));
        Assert.Equal(LludpBytes.UseCircuitCode(1), (await sim.ReceiveAsync()).Bytes);

        stranger.Send(local, LludpBytes.Packet(PacketFlags.None, 2, [0x04, 1]));
        stranger.Send(local, LludpBytes.UseCircuitCode(2, session: Guid.NewGuid()));
        await rig.IgnoredAsync(6);
        byte[] own = LludpBytes.Packet(PacketFlags.None, 2, [0x04, 2]);
        viewer.Send(local, own);
        Assert.Equal(own, (await sim.ReceiveAsync()).Bytes);
    }

    [Fact]
    public async Task T15_Sim_packets_from_a_wrong_address_are_ignored()
    {
        using var sim = new Peer();
        await using var rig = new Rig();
        using var viewer = new Peer();
        using var stranger = new Peer();
        IPEndPoint local = rig.Pump.Open(sim.Address)!;
        viewer.Send(local, LludpBytes.UseCircuitCode(1));
        (_, IPEndPoint upstream) = await sim.ReceiveAsync();

        stranger.Send(upstream, LludpBytes.Packet(PacketFlags.None, 1, [0x02, 1]));
        await rig.IgnoredAsync(1);
        byte[] real = LludpBytes.Packet(PacketFlags.None, 1, [0x02, 2]);
        sim.Send(upstream, real);
        Assert.Equal(real, (await viewer.ReceiveAsync()).Bytes);
    }

    [Fact]
    public async Task A_region_that_comes_back_keeps_its_port_and_numbers_anew_from_another_source()
    {
        using var sim = new Peer();
        await using var rig = new Rig();
        IPEndPoint local = rig.Pump.Open(sim.Address)!;
        for (int visit = 0; visit < 3; visit++)
        {
            using var viewer = new Peer();
            Assert.Equal(local, rig.Pump.Open(new IPEndPoint(sim.Address.Address, sim.Address.Port)));
            viewer.Send(local, LludpBytes.UseCircuitCode(1));
            (_, IPEndPoint upstream) = await sim.ReceiveAsync();
            byte[] greeting = LludpBytes.Packet(PacketFlags.Reliable, 1, [0x02, (byte)visit]);
            sim.Send(upstream, greeting);
            Assert.Equal(greeting, (await viewer.ReceiveAsync()).Bytes);
        }
    }

    [Fact]
    public async Task A_session_has_no_more_regions_than_its_limit_and_no_port_for_what_is_no_ipv4_address()
    {
        await using var rig = new Rig(limits: new ClientLimits { MaxRegionsPerSession = 2 });
        Assert.NotNull(rig.Pump.Open(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 9000)));
        Assert.Null(rig.Pump.Open(new IPEndPoint(IPAddress.IPv6Loopback, 9000)));
        Assert.Null(rig.Pump.Open(new IPEndPoint(IPAddress.Loopback, 0)));
        Assert.NotNull(rig.Pump.Open(new IPEndPoint(IPAddress.Parse("127.0.0.3"), 9000)));
        Assert.Null(rig.Pump.Open(new IPEndPoint(IPAddress.Parse("127.0.0.4"), 9000)));
        Assert.NotNull(rig.Pump.Open(new IPEndPoint(IPAddress.Parse("127.0.0.2").MapToIPv6(), 9000)));
    }

    [Fact]
    public async Task Ten_regions_opened_and_disposed_leave_no_socket_behind()
    {
        var sockets = new List<Socket>();
        await using (var rig = new Rig())
        {
            for (int region = 0; region < 10; region++)
            {
                IPEndPoint local = rig.Pump.Open(new IPEndPoint(IPAddress.Parse("127.0.0.9"), 9000 + region))!;
                using var rival = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                Assert.Throws<SocketException>(() => rival.Bind(local));
            }

            sockets.AddRange(rig.Pump.Regions.Select(r => r.Socket).Append(rig.Pump.Upstream));
            Assert.Equal(11, sockets.Distinct().Count());
        }

        // Disposal has waited for the loops: none of them holds a handle open.
        Assert.All(sockets, s => Assert.True(s.SafeHandle.IsClosed));
    }

    [Fact]
    public async Task Disposal_ends_idle_receivers_at_once()
    {
        for (int i = 0; i < 100; i++)
        {
            var rig = new Rig();
            for (int region = 0; region < 3; region++)
            {
                Assert.NotNull(rig.Pump.Open(new IPEndPoint(IPAddress.Parse("127.0.0.9"), 9000 + region)));
            }

            await rig.DisposeAsync().AsTask().WaitAsync(s_patience);
        }
    }

    [Fact]
    public async Task Regions_beyond_those_that_have_a_thread_are_served_as_well()
    {
        await using var rig = new Rig();
        for (int region = 0; region < 2 * UdpPump.MaxThreads; region++)
        {
            using var sim = new Peer();
            using var viewer = new Peer();
            IPEndPoint local = rig.Pump.Open(sim.Address)!;
            viewer.Send(local, LludpBytes.UseCircuitCode(1));
            (_, IPEndPoint upstream) = await sim.ReceiveAsync();
            byte[] greeting = LludpBytes.Packet(PacketFlags.Reliable, 1, [0x02, (byte)region]);
            sim.Send(upstream, greeting);
            Assert.Equal(greeting, (await viewer.ReceiveAsync()).Bytes);
        }

        await rig.DisposeAsync().AsTask().WaitAsync(s_patience);
    }

    [Fact]
    public async Task Garbage_at_both_ends_is_survived()
    {
        using var sim = new Peer();
        await using var rig = new Rig();
        using var viewer = new Peer();
        IPEndPoint local = rig.Pump.Open(sim.Address)!;
        viewer.Send(local, LludpBytes.UseCircuitCode(1));
        (_, IPEndPoint upstream) = await sim.ReceiveAsync();
        viewer.Send(local, []);
        sim.Send(upstream, []);
        viewer.Send(local, [0x40]);
        sim.Send(upstream, [0x10, 0, 0, 0, 1, 0, 4, 200]);
        viewer.Send(local, new byte[9000]);
        byte[] alive = LludpBytes.Packet(PacketFlags.None, 2, [0x04, 9]);
        viewer.Send(local, alive);
        Assert.Equal(alive, (await sim.ReceiveAsync()).Bytes);
        Assert.Equal(1, rig.Pump.Counters.TooLong);
        Assert.Equal(0, rig.Pump.Counters.Errors);
    }

    [Fact]
    public async Task A_packet_nobody_decides_leaves_by_the_timer_and_an_answer_from_another_thread_wakes_the_circuit()
    {
        var time = new FakeTimeProvider();
        var tap = new TestTap { OnPacket = (Direction _, ref Datagram m, Circuit _) => m.Message == Message.RequestImage ? Verdict.Hold : Verdict.Forward };
        Action? wake = null;
        using var sim = new Peer();
        await using var rig = new Rig(time: time, taps: (_, w) =>
        {
            wake = w;
            return tap;
        });
        using var viewer = new Peer();
        IPEndPoint local = rig.Pump.Open(sim.Address)!;
        viewer.Send(local, LludpBytes.UseCircuitCode(1));
        await sim.ReceiveAsync();

        byte[] held = LludpBytes.Packet(PacketFlags.Reliable, 2, [0x08, 1]), after = LludpBytes.Packet(PacketFlags.None, 3, [0x04, 1]);
        viewer.Send(local, held);
        viewer.Send(local, after);
        Assert.Equal(after, (await sim.ReceiveAsync()).Bytes);
        time.Advance(HeldPackets.Limit);
        Assert.Equal(held, (await sim.ReceiveAsync()).Bytes);

        int ticks = tap.Ticks;
        wake!();
        using var patience = new CancellationTokenSource(s_patience);
        while (tap.Ticks == ticks)
        {
            await Task.Delay(1, patience.Token);
        }
    }

    [Fact]
    public async Task The_session_hears_of_its_end_and_when_the_viewer_last_spoke()
    {
        var time = new FakeTimeProvider();
        using var sim = new Peer();
        await using var rig = new Rig(time: time);
        using var viewer = new Peer();
        IPEndPoint local = rig.Pump.Open(sim.Address)!;
        long begun = rig.Pump.LastViewerDatagram;
        time.Advance(TimeSpan.FromSeconds(30));
        viewer.Send(local, LludpBytes.Packet(PacketFlags.None, 1, [0x04, 1]));
        await rig.IgnoredAsync(1);
        Assert.Equal(begun, rig.Pump.LastViewerDatagram);
        viewer.Send(local, LludpBytes.UseCircuitCode(1));
        await sim.ReceiveAsync();
        Assert.Equal(time.GetTimestamp(), rig.Pump.LastViewerDatagram);
        viewer.Send(local, LludpBytes.Packet(PacketFlags.Reliable, 2, [0xFF, 0xFF, 0, 0xFC, .. new byte[32]]));
        await sim.ReceiveAsync();
        viewer.Send(local, LludpBytes.Packet(PacketFlags.None, 3, [0xFF, 0xFF, 0xFF, 0xFD]));
        await sim.ReceiveAsync();
        Assert.Equal([SessionEnd.LogoutRequest, SessionEnd.CloseCircuit], rig.Ends);
    }

    internal sealed class Peer : IDisposable
    {
        private readonly Socket _socket = UdpSockets.Bind(IPAddress.Loopback);

        public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

        public void Send(IPEndPoint to, byte[] bytes) => _socket.SendTo(bytes, to);

        public async Task<(byte[] Bytes, IPEndPoint Source)> ReceiveAsync()
        {
            byte[] buffer = new byte[16384];
            using var patience = new CancellationTokenSource(s_patience);
            SocketReceiveFromResult result = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), patience.Token);
            return (buffer[..result.ReceivedBytes], (IPEndPoint)result.RemoteEndPoint);
        }

        public void Dispose() => _socket.Dispose();
    }

    internal sealed class Rig : IRegionDirectory, IAsyncDisposable
    {
        public Rig(uint code = LludpBytes.Code, ClientLimits? limits = null, TimeProvider? time = null, Func<IPEndPoint, Action, ICircuitTap?>? taps = null) => Pump = new UdpPump(
            new CircuitIdentity(code, LludpBytes.Session, LludpBytes.Agent), this,
            new CircuitEvents(Ends.Add, _ => { }), limits ?? new ClientLimits(), time ?? TimeProvider.System, WatchedLog.Unread, taps);

        public UdpPump Pump { get; }

        public List<SessionEnd> Ends { get; } = [];

        public IPEndPoint? MapSim(IPEndPoint sim) => Pump.Open(sim);

        public string? MapSeed(string realSeed, IPEndPoint sim) => "http://127.0.0.1:12080/s/1";

        public async Task IgnoredAsync(long count)
        {
            using var patience = new CancellationTokenSource(s_patience);
            while (Pump.Counters.Ignored < count)
            {
                await Task.Delay(1, patience.Token);
            }
        }

        public ValueTask DisposeAsync() => Pump.DisposeAsync();
    }
}
