using System.Collections.Concurrent;
using System.Net;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>
/// The viewer's end of one circuit: shakes hands, answers what a viewer answers, and lets others wait for messages.
/// Messages that arrive are kept, in order, under <see cref="Received"/>.
/// </summary>
internal sealed class ViewerCircuit
{
    private readonly ViewerLogin login;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<object, Action<Datagram>> listeners = new();
    private readonly ConcurrentQueue<(Message Message, string Flags)> received = new();
    private long pinged;
    private long updated;

    public ViewerCircuit(ViewerLogin login, IPEndPoint sim, Action<byte[], IPEndPoint> transmit, TimeProvider time)
    {
        (this.login, Sim, this.time) = (login, sim, time);
        End = new CircuitEnd(CircuitManner.Viewer, wire => transmit(wire, Sim), time);
        pinged = updated = time.GetTimestamp();
        Send(new BodyWriter(Message.UseCircuitCode).U32(login.CircuitCode).Id(login.SessionId).Id(login.AgentId));
    }

    public IPEndPoint Sim { get; }

    public CircuitEnd End { get; }

    /// <summary>The region's name, once it has shaken hands.</summary>
    public string? RegionName { get; private set; }

    /// <summary>Told by DisableSimulator: this region has no more to say.</summary>
    public bool Disabled { get; private set; }

    /// <summary>Names and flags of everything that came and was no duplicate or housekeeping.</summary>
    public IReadOnlyCollection<(Message Message, string Flags)> Received => received;

    /// <summary>Whether the agent stands here.</summary>
    public bool IsRoot { get; set; }

    /// <summary>Sends reliably, coded where coding helps.</summary>
    public void Send(BodyWriter message, bool reliable = true, bool coded = false) =>
        End.Send(message, (byte)((reliable ? Datagram.Reliable : 0) | (coded ? Datagram.ZeroCoded : 0)), resendable: message.Message != Message.RequestImage);

    /// <summary>AgentData as nearly every message begins with it.</summary>
    public BodyWriter Begin(Message message) => new BodyWriter(message).Id(login.AgentId).Id(login.SessionId);

    public void CompleteMovement() => Send(Begin(Message.CompleteAgentMovement).U32(login.CircuitCode));

    public void Receive(in Datagram datagram)
    {
        if (!End.Accept(datagram)) return;
        received.Enqueue((datagram.Message, datagram.FlagLetters));
        switch (datagram.Message)
        {
            case Message.RegionHandshake:
                var body = new BodyReader(datagram.Body);
                body.Skip(5);
                RegionName = body.Text();
                Send(Begin(Message.RegionHandshakeReply).U32(5), coded: true);
                Throttle();
                break;
            case Message.DisableSimulator:
                Disabled = true;
                break;
            default:
                break;
        }

        foreach (Action<Datagram> listener in listeners.Values) listener(datagram);
    }

    /// <summary>Calls <paramref name="heard"/> for every message until the result is disposed.</summary>
    public IDisposable Listen(Action<Datagram> heard)
    {
        var key = new object();
        listeners[key] = heard;
        return new Listening(() => listeners.TryRemove(key, out _));
    }

    /// <summary>The next message of one of these names.</summary>
    public async Task<Datagram> NextAsync(TimeSpan patience, CancellationToken cancelled, params Message[] wanted)
    {
        var arrived = new TaskCompletionSource<Datagram>(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable listening = Listen(d =>
        {
            if (Array.IndexOf(wanted, d.Message) >= 0) arrived.TrySetResult(d);
        });
        return await arrived.Task.WaitAsync(patience, time, cancelled);
    }

    public void Tick()
    {
        End.Tick();
        long now = time.GetTimestamp();
        if (time.GetElapsedTime(pinged, now) > TimeSpan.FromSeconds(5))
        {
            pinged = now;
            End.Ping();
        }

        if (!IsRoot || time.GetElapsedTime(updated, now) <= TimeSpan.FromSeconds(1)) return;
        updated = now;
        // Body and head rotation, state, camera, far clip, controls, flags: standing still.
        Send(Begin(Message.AgentUpdate).Vector(0, 0, 0).Vector(0, 0, 0).U8(0).Vector(128, 128, 25).Vector(1, 0, 0).Vector(0, 1, 0)
            .Vector(0, 0, 1).F32(128).U32(0).U8(0), reliable: false, coded: true);
    }

    private void Throttle()
    {
        var throttles = new byte[28];
        for (int i = 0; i < 7; i++) BitConverter.TryWriteBytes(throttles.AsSpan(4 * i), 150_000f);
        Send(Begin(Message.AgentThrottle).U32(login.CircuitCode).U32(0).Var1(throttles), coded: true);
    }

    private sealed class Listening(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
