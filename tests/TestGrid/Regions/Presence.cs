using System.Net;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Regions;

/// <summary>One agent in one region: its circuit, its event queue, its capabilities, and what the region answers it.</summary>
internal sealed class Presence
{
    private static readonly TimeSpan NeighbourDelay = TimeSpan.FromMilliseconds(300);
    private readonly List<(long Due, Action What)> later = [];
    private readonly Lock gate = new();
    private bool handshaken;
    private long pinged, chatted;

    public Presence(GridSession session, Region region, bool asNeighbour)
    {
        (Session, Region, AsNeighbour) = (session, region, asNeighbour);
        Queue = new EventQueue(region.Grid.Options.Time);
        Images = new ImageSender(this);
        Transfers = new TransferSender(this);
        Seed = region.Grid.Caps.Grant(this);
    }

    public GridSession Session { get; }

    public Region Region { get; }

    public string Seed { get; }

    public EventQueue Queue { get; }

    public ImageSender Images { get; }

    public TransferSender Transfers { get; }

    /// <summary>Whether the agent only looks in from a neighbouring region.</summary>
    public bool AsNeighbour { get; }

    /// <summary>Whether the agent is coming on foot: then it has been shaken hands with already.</summary>
    public bool Crossing { get; set; }

    public bool Closed { get; private set; }

    public IPEndPoint? Viewer { get; private set; }

    public CircuitEnd? Circuit { get; private set; }

    private TimeProvider Time => Region.Grid.Options.Time;

    public void Send(BodyWriter message) => Circuit?.Send(message, SimulatorFlags.For(message));

    /// <summary>UseCircuitCode has come from <paramref name="viewer"/>.</summary>
    public void Open(IPEndPoint viewer, in Datagram datagram)
    {
        bool first = Circuit is null;
        Viewer = viewer;
        Session.Address ??= viewer.Address;
        if (first)
        {
            chatted = Time.GetTimestamp();
            // The first ping comes early, with the first acks.
            pinged = chatted - (long)(4.5 * Time.TimestampFrequency);
            Circuit = new CircuitEnd(CircuitManner.Simulator, wire => Region.Transmit(Viewer, wire), Time);
        }

        Circuit!.Accept(datagram);
        if (!first) return;
        Circuit.AckOutsideNumbering(datagram.Sequence);
        if (AsNeighbour) Handshake();
    }

    public void Receive(in Datagram datagram)
    {
        if (!Circuit!.Accept(datagram)) return;
        var body = new BodyReader(datagram.Body);
        switch (datagram.Message)
        {
            case Message.CompleteAgentMovement: Arrive(); break;
            case Message.RequestImage: Images.Request(body); break;
            case Message.TransferRequest: Transfers.Request(body); break;
            case Message.TransferAbort: Transfers.Abort(body); break;
            case Message.TeleportLocationRequest: Region.Grid.Teleport(this, body); break;
            case Message.MapNameRequest: AnswerMap(body); break;
            case Message.AgentWearablesRequest: SendRecorded(Message.AgentWearablesUpdate); break;
            case Message.RequestRegionInfo: SendRecorded(Message.RegionInfo); break;
            case Message.ParcelDwellRequest: SendRecorded(Message.ParcelDwellReply); break;
            case Message.EconomyDataRequest: SendRecorded(Message.EconomyData); break;
            case Message.ParcelAccessListRequest:
                // One list of the allowed, one of the banned.
                SendRecorded(Message.ParcelAccessListReply);
                SendRecorded(Message.ParcelAccessListReply);
                break;
            case Message.LogoutRequest:
                if (Region.Grid.Faults.IgnoresLogout) break;
                Send(new BodyWriter(Message.LogoutReply).Id(Session.AgentId).Id(Session.SessionId).U8(1).Id(Guid.Empty));
                Region.Grid.End(Session);
                break;
            case Message.CloseCircuit:
                if (Session.Root == Region) Region.Grid.End(Session);
                else Close();
                break;
            default:
                break;
        }
    }

    /// <summary>What is due now: acks, resends, images, transfers, the region's chatter.</summary>
    public void Tick()
    {
        if (Circuit is null) return;
        Circuit.Tick();
        Images.Pump(24);
        Transfers.Pump(24);
        long now = Time.GetTimestamp();
        if (Time.GetElapsedTime(pinged, now) > TimeSpan.FromSeconds(5))
        {
            pinged = now;
            Circuit.Ping();
        }

        if (Time.GetElapsedTime(chatted, now) > TimeSpan.FromSeconds(3))
        {
            chatted = now;
            SendRecorded(Message.CoarseLocationUpdate);
            if (Session.Root == Region)
            {
                SendRecorded(Message.SimulatorViewerTimeMessage);
                SendRecorded(Message.SimStats);
            }
        }

        List<Action> due = [];
        lock (gate)
        {
            due.AddRange(later.Where(l => l.Due <= now).Select(l => l.What));
            later.RemoveAll(l => l.Due <= now);
        }

        foreach (Action what in due) what();
        if (Time.GetElapsedTime(Circuit.LastHeard, now) <= TimeSpan.FromSeconds(60)) return;
        // Whom a region has not heard for a minute it lets go of; the visit is over where the agent stands there, and not where he has left it long ago.
        Region.Forget(this);
        if (Closed) return;
        if (Session.Root == Region) Region.Grid.EndSilent(this);
        else Close();
    }

    /// <summary>The region has no more to do with the agent; its queue ends in 404. Late packets are still acked for a while.</summary>
    public void Close(bool tell = false)
    {
        if (Closed) return;
        Closed = true;
        if (tell) Send(new BodyWriter(Message.DisableSimulator));
        Queue.Close();
    }

    private void Arrive()
    {
        bool onFoot = Crossing && handshaken;
        Crossing = false;
        if (!onFoot) Handshake();
        StandInGrid.Arrived(this);
        SendRecorded(Message.AgentMovementComplete);
        Queue.AddRaw(Events.ParcelProperties);
        SendRecorded(Message.ObjectUpdate);
        foreach (BodyWriter update in Thing.Updates(Region.Grid.Things, Region.Handle)) Send(update);
        SendRecorded(Message.AvatarAppearance);
        SendRecorded(Message.AvatarAnimation);
        SendRecorded(Message.ParcelOverlay);
        SendRecorded(Message.LayerData);
        SendRecorded(Message.ImprovedTerseObjectUpdate);
        SendRecorded(Message.SimulatorViewerTimeMessage);
        SendRecorded(Message.SimStats);
        SendRecorded(Message.CoarseLocationUpdate);
        lock (gate)
        {
            later.Add((Time.GetTimestamp() + (long)(NeighbourDelay.TotalSeconds * Time.TimestampFrequency), ShowNeighbours));
        }
    }

    private void ShowNeighbours()
    {
        foreach (Region neighbour in Region.Neighbours)
        {
            Presence there = neighbour.Admit(Session, asNeighbour: true, out bool known);
            if (known) continue;
            Queue.EnableSimulator(neighbour);
            Queue.EstablishAgentCommunication(there);
        }
    }

    private void Handshake()
    {
        handshaken = true;
        SendRecorded(Message.RegionHandshake);
    }

    private void SendRecorded(Message message)
    {
        foreach (BodyWriter one in Recorded.All(message, Session, Region)) Send(one);
    }

    private void AnswerMap(BodyReader body)
    {
        body.Skip(32 + 4 + 4 + 1);
        string name = body.Text();
        Region? found = Region.Grid.FindByName(name);
        BodyWriter reply = new BodyWriter(Message.MapBlockReply).Id(Session.AgentId).U32(0).U8((byte)(found is null ? 1 : 2));
        if (found is not null)
        {
            (uint x, uint y) = Region.Grid.PlaceOf(found);
            reply.U16((ushort)x).U16((ushort)y).Text(found.Name).U8(13).U32(0).U8(0).U8(0).Id(Guid.Empty);
        }

        // The search ends with an entry of access 255: no such region.
        Send(reply.U16(0).U16(0).Text(name).U8(255).U32(0).U8(0).U8(0).Id(Guid.Empty));
    }
}
