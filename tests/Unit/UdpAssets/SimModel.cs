using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>
/// OpenSimulator's end of one circuit on a virtual clock: images header first on every new request (even for Packet &gt; 0), the stand-in
/// picture or ImageNotInDatabase for what it has not, transfers of 600 bytes a packet; it fails the test on a request it should not see.
/// </summary>
internal sealed class SimModel
{
    public static readonly Guid StandInId = new("5748decc-f629-461c-9a36-a35a221fe21f");

    private const int First = 600, Rest = 1000, Part = 600, Channel = 2;

    // Its throttles keep it below what a viewer parks behind a lost packet.
    private const int TransferWindow = 90;
    private static readonly double[] s_share = [1, 0.45, 0.205, 0.09, 0.025, 0.01];

    private readonly Dictionary<Guid, Picture> _wanted = [];
    private readonly List<Transfer> _running = [];
    private readonly byte[]? _standIn;
    private readonly int _packetsPerTick;
    private bool _greeted;

    private sealed class Picture
    {
        public required byte[] Bytes;
        public bool HeaderSent;
        public int Next, Last;
        public float Priority;
    }

    private sealed class Transfer
    {
        public required Guid Id;
        public required byte[] Bytes;
        public int Next;
    }

    public SimModel(uint first, Action<byte[]> transmit, byte[]? standIn = null, int packetsPerTick = 4, bool acksOutsideNumbering = true)
    {
        End = new LludpEnd("the sim", LludpManner.Sim, first, transmit);
        (_standIn, _packetsPerTick, AcksOutsideNumbering) = (standIn, packetsPerTick, acksOutsideNumbering);
    }

    public LludpEnd End { get; }

    /// <summary>What this grid holds.</summary>
    public Dictionary<Guid, byte[]> Assets { get; } = [];

    /// <summary>Whether a request for this asset may come to the sim.</summary>
    public Func<Guid, bool> MayBeAsked { get; set; } = _ => true;

    /// <summary>Every image asked for, in order, cancels as well.</summary>
    public List<(Guid Id, sbyte Discard, float Priority, uint Packet, byte Type)> Asked { get; } = [];

    public List<(Guid Asset, int Source)> TransfersAsked { get; } = [];

    public List<Guid> Aborts { get; } = [];

    /// <summary>Images of which it has sent a header.</summary>
    public HashSet<Guid> HeadersSent { get; } = [];

    public Action<Datagram> Took { get; set; } = _ => { };

    public bool Idle => _wanted.Count == 0 && _running.Count == 0;

    private bool AcksOutsideNumbering { get; }

    public void Arrive(long now, byte[] wire, bool copy)
    {
        if (!End.Accept(now, wire, copy, out Datagram datagram))
        {
            return;
        }

        Took(datagram);
        var body = new BodyReader(datagram.Body);
        switch (datagram.Message)
        {
            case Message.UseCircuitCode:
                Greet(now, datagram.Sequence);
                break;
            case Message.RequestImage:
                Images(now, ref body);
                break;
            case Message.TransferRequest:
                Begin(now, ref body);
                break;
            case Message.TransferAbort:
                Guid aborted = body.Id();
                Aborts.Add(aborted);
                _running.RemoveAll(t => t.Id == aborted);
                break;
            case Message.ImageData or Message.ImagePacket or Message.TransferInfo or Message.TransferPacket:
                Assert.Fail($"the sim got a {datagram.Message}");
                break;
        }
    }

    public void Tick(long now)
    {
        if (!_greeted)
        {
            return;
        }

        for (int i = 0; i < _packetsPerTick && End.Unacked < 256 && (_running.Count == 0 || End.Span < TransferWindow) && !Idle; i++)
        {
            End.Send(now, Next(), reliable: true, coded: i % 2 == 0);
        }

        End.Tick(now);
    }

    /// <summary>Something that has nothing to do with assets, as most traffic.</summary>
    public void Chat(long now, byte[] body, bool reliable) =>
        End.Send(now, new BodyWriter(Message.CoarseLocationUpdate).Raw(body), reliable, coded: true);

    private void Greet(long now, uint number)
    {
        if (_greeted)
        {
            return;
        }

        _greeted = true;
        if (AcksOutsideNumbering)
        {
            End.AckOutsideNumbering(number);
        }

        End.Send(now, new BodyWriter(Message.RegionHandshake).Raw(new byte[100]), reliable: true, coded: true);
    }

    private void Images(long now, ref BodyReader body)
    {
        Rules.Check(body.Id() == FirestormModel.Agent && body.Id() == FirestormModel.Session, "a RequestImage of another agent");
        int blocks = body.U8();
        Rules.Check(blocks > 0, "a RequestImage without images");
        for (int n = blocks; n > 0; n--)
        {
            Guid id = body.Id();
            sbyte discard = body.S8();
            float priority = body.F32();
            uint packet = body.U32();
            byte type = body.U8();
            Rules.Check(!body.Overrun, "a RequestImage that ends before its blocks do");
            Asked.Add((id, discard, priority, packet, type));
            Image(now, id, discard, priority, (int)packet);
        }
    }

    private void Image(long now, Guid id, int discard, float priority, int packet)
    {
        if (discard == -1 && priority == 0)
        {
            _wanted.Remove(id);
            return;
        }

        Rules.Check(MayBeAsked(id), $"the sim is asked for image {id}, which is answered elsewhere");
        byte[]? bytes = Assets.GetValueOrDefault(id) ?? _standIn;
        if (bytes is null)
        {
            End.Send(now, new BodyWriter(Message.ImageNotInDatabase).Id(id), reliable: true);
            return;
        }

        int packets = Count(bytes.Length);
        int last = discard == 0 ? packets - 1 : (int)(bytes.Length * s_share[discard < 0 ? 5 : Math.Min(discard, 5)]) / Rest;
        last = Math.Min(Math.Max(last, 1), packets - 1);
        last = last == packets - 2 ? packets - 1 : last;
        if (!_wanted.TryGetValue(id, out Picture? picture))
        {
            _wanted[id] = picture = new Picture { Bytes = bytes, Next = Math.Max(packet, 1) };
        }

        // As its decoder's layers allow: a viewer that asks on gets more.
        (picture.Last, picture.Priority) = (Math.Max(last, Math.Min(packet + 1, packets - 1)), priority);
    }

    private void Begin(long now, ref BodyReader body)
    {
        Guid transfer = body.Id();
        body.S32();
        int source = body.S32();
        body.F32();
        ReadOnlySpan<byte> parameters = body.Var2();
        Rules.Check(!body.Overrun, "a TransferRequest that ends before its fields do");
        Guid id = source is 2 or 3 ? new Guid(parameters.Slice(parameters.Length - 20, 16), bigEndian: true) : Guid.Empty;
        TransfersAsked.Add((id, source));
        Rules.Check(source != 2 || MayBeAsked(id), $"the sim is asked for asset {id}, which is answered elsewhere");
        byte[]? bytes = Assets.GetValueOrDefault(id);
        End.Send(
            now, new BodyWriter(Message.TransferInfo).Id(transfer).S32(Channel).S32(0).S32(bytes is null ? -2 : 0).S32(bytes?.Length ?? 0).Var2(parameters),
            reliable: true, coded: true);
        if (bytes is not null)
        {
            _running.Add(new Transfer { Id = transfer, Bytes = bytes });
        }
    }

    /// <summary>Transfers first, then the image of the highest priority.</summary>
    private BodyWriter Next()
    {
        if (_running.Count > 0)
        {
            Transfer transfer = _running[0];
            int start = Part * transfer.Next, length = Math.Min(Part, transfer.Bytes.Length - start);
            bool last = start + length == transfer.Bytes.Length;
            if (last)
            {
                _running.RemoveAt(0);
            }

            return new BodyWriter(Message.TransferPacket).Id(transfer.Id).S32(Channel).S32(transfer.Next++).S32(last ? 1 : 0)
                .Var2(transfer.Bytes.AsSpan(start, length));
        }

        (Guid id, Picture picture) = _wanted.MaxBy(w => w.Value.Priority);
        BodyWriter message;
        if (!picture.HeaderSent)
        {
            picture.HeaderSent = true;
            HeadersSent.Add(id);
            message = new BodyWriter(Message.ImageData).Id(id).U8(2).U32((uint)picture.Bytes.Length).U16((ushort)Count(picture.Bytes.Length))
                .Var2(picture.Bytes.AsSpan(0, Math.Min(First, picture.Bytes.Length)));
        }
        else
        {
            int start = First + (Rest * (picture.Next - 1));
            message = new BodyWriter(Message.ImagePacket).Id(id).U16((ushort)picture.Next)
                .Var2(picture.Bytes.AsSpan(start, Math.Min(Rest, picture.Bytes.Length - start)));
            picture.Next++;
        }

        if (picture.Next > picture.Last)
        {
            _wanted.Remove(id);
        }

        return message;
    }

    private static int Count(int size) => size <= First ? 1 : 1 + ((size - First + Rest - 1) / Rest);
}
