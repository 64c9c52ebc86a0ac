using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>One transfer a viewer has asked for (PROTOCOL §6.1).</summary>
internal sealed class TransferFetch(Guid asset, int type, int source)
{
    public Guid Asset { get; } = asset;

    public int Type { get; } = type;

    public int Source { get; } = source;

    public Guid Transfer { get; set; }

    public long Progress { get; set; }

    public int Size { get; set; } = -1;

    /// <summary>The number under which the Info came: the same again is the network's copy.</summary>
    public uint InfoNumber { get; set; }

    public int Next { get; set; }

    public Dictionary<int, (int Status, byte[] Data)> Parked { get; } = [];

    public List<byte> Bytes { get; } = [];

    /// <summary>What ended it: 1 all is here; below 0 the other end's refusal.</summary>
    public int? Outcome { get; set; }

    public int Attempts { get; set; }
}

/// <summary>
/// A viewer's transfers: the Info first, packets in order from 0, those that came too early parked (more than 100 of them: it aborts), at most
/// 2048 bytes each, a status other than 0 ends it. What makes no progress for a minute is aborted and asked for anew.
/// </summary>
internal sealed class FirestormTransfers(Func<Guid> newId)
{
    private const int Channel = 2, MaxParked = 100, MaxBytes = 2048;
    private const long Patience = 60 * LludpManner.Second;

    private readonly Dictionary<Guid, TransferFetch> _running = [];
    private readonly List<Guid> _aborts = [];
    private readonly Queue<TransferFetch> _toAsk = new();

    public List<TransferFetch> All { get; } = [];

    public int Waste { get; private set; }

    public int AbortsSeen { get; private set; }

    /// <summary>Whether the sim is to blame that so many packets wait for their turn.</summary>
    public Func<TransferFetch, bool> ParkingExcused { get; set; } = _ => false;

    public TransferFetch Want(Guid asset, int type, int source = 2)
    {
        var fetch = new TransferFetch(asset, type, source);
        All.Add(fetch);
        _toAsk.Enqueue(fetch);
        return fetch;
    }

    /// <summary>Goes on with a transfer somebody else has asked for (a recording).</summary>
    public TransferFetch Adopt(long now, Guid transfer, Guid asset, int type)
    {
        var fetch = new TransferFetch(asset, type, 2) { Transfer = transfer, Progress = now };
        All.Add(fetch);
        _running.Add(transfer, fetch);
        return fetch;
    }

    public void Abort(TransferFetch fetch)
    {
        if (fetch.Outcome is null && _running.Remove(fetch.Transfer))
        {
            _aborts.Add(fetch.Transfer);
            fetch.Outcome = 3;
        }
    }

    public void Receive(long now, in Datagram datagram)
    {
        var body = new BodyReader(datagram.Body);
        Guid id = body.Id();
        int channel = body.S32();
        if (!_running.TryGetValue(id, out TransferFetch? fetch))
        {
            Waste++;
            return;
        }

        Rules.Check(channel == Channel, $"{datagram.Message} on channel {channel}");
        fetch.Progress = now;
        switch (datagram.Message)
        {
            case Message.TransferAbort:
                AbortsSeen++;
                Again(fetch);
                return;
            case Message.TransferInfo:
                Info(fetch, ref body, datagram.Sequence);
                break;
            default:
                Packet(fetch, ref body);
                break;
        }

        Rules.Check(!body.Overrun, $"{datagram.Message} for {id} ends before its fields do");
    }

    public void Frame(long now, Action<BodyWriter, bool> send)
    {
        foreach (TransferFetch stuck in _running.Values.Where(f => now - f.Progress > Patience).ToList())
        {
            _aborts.Add(stuck.Transfer);
            Again(stuck);
        }

        foreach (Guid id in _aborts)
        {
            send(new BodyWriter(Message.TransferAbort).Id(id).S32(Channel), false);
        }

        _aborts.Clear();
        while (_toAsk.TryDequeue(out TransferFetch? fetch))
        {
            fetch.Transfer = newId();
            fetch.Attempts++;
            fetch.Progress = now;
            _running.Add(fetch.Transfer, fetch);
            send(
                new BodyWriter(Message.TransferRequest).Id(fetch.Transfer).S32(Channel).S32(fetch.Source).F32(101).Var2(Params(fetch)), true);
        }
    }

    /// <summary>Params by source: an asset's, a task inventory item's (the asset at offset 80), an estate's.</summary>
    private static ReadOnlySpan<byte> Params(TransferFetch fetch)
    {
        var ids = new BodyWriter(Message.TransferRequest);
        int size = fetch.Source switch { 2 => 20, 3 => 100, 4 => 36, _ => 12 };
        if (fetch.Source is 2 or 3)
        {
            ids.Raw(new byte[size - 20]).Id(fetch.Asset).S32(fetch.Type);
        }
        else
        {
            ids.Raw(new byte[size]);
        }

        return ids.Plain[4..];
    }

    private void Again(TransferFetch fetch)
    {
        _running.Remove(fetch.Transfer);
        fetch.Parked.Clear();
        fetch.Bytes.Clear();
        (fetch.Size, fetch.Next) = (-1, 0);
        _toAsk.Enqueue(fetch);
    }

    private void Info(TransferFetch fetch, ref BodyReader body, uint number)
    {
        body.S32();
        int status = body.S32();
        int size = body.S32();
        ReadOnlySpan<byte> parameters = body.Var2();
        if (fetch.Size >= 0)
        {
            Rules.Check(fetch.InfoNumber == number, $"a second TransferInfo for {fetch.Asset}");
            return;
        }

        fetch.InfoNumber = number;
        Rules.Check(parameters.SequenceEqual(Params(fetch)), "TransferInfo echoes other Params");
        if (status != 0)
        {
            End(fetch, status);
            return;
        }

        fetch.Size = size;
        Consume(fetch);
    }

    private void Packet(TransferFetch fetch, ref BodyReader body)
    {
        int index = body.S32();
        int status = body.S32();
        byte[] data = body.Var2().ToArray();
        Rules.Check(data.Length <= MaxBytes, $"a TransferPacket of {data.Length} bytes");
        if (index < fetch.Next)
        {
            return;
        }

        fetch.Parked[index] = (status, data);
        Consume(fetch);
        if (fetch.Parked.Count > MaxParked)
        {
            Rules.Check(ParkingExcused(fetch), $"more than {MaxParked} packets of {fetch.Asset} wait for their turn, on which the viewer aborts");
            _aborts.Add(fetch.Transfer);
            Again(fetch);
        }
    }

    private void Consume(TransferFetch fetch)
    {
        while (fetch.Size >= 0 && fetch.Outcome is null && fetch.Parked.Remove(fetch.Next, out (int Status, byte[] Data) part))
        {
            fetch.Next++;
            fetch.Bytes.AddRange(part.Data);
            if (part.Status != 0)
            {
                Rules.Check(part.Status == 1, $"a transfer ended with status {part.Status}");
                Rules.Check(fetch.Bytes.Count == fetch.Size, $"{fetch.Asset}: {fetch.Bytes.Count} bytes, announced as {fetch.Size}");
                End(fetch, 1);
            }
        }
    }

    private void End(TransferFetch fetch, int outcome)
    {
        fetch.Outcome = outcome;
        _running.Remove(fetch.Transfer);
    }
}
