using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Regions;

/// <summary>Sends assets by transfer (PROTOCOL §6.1): Info with status 0 and the size, then packets of 600 bytes, the last with status 1; Info with status −2 for what does not exist.</summary>
internal sealed class TransferSender(Presence presence)
{
    private sealed class Transfer
    {
        public required byte[] Bytes;
        public int Next;
    }

    private const int Part = 600, Channel = 2, InFlight = 256;
    private const int Ok = 0, Done = 1, NotFound = -2;
    private const int SourceAsset = 2;
    private readonly Lock gate = new();
    private readonly Dictionary<Guid, Transfer> running = [];

    public void Request(BodyReader body)
    {
        Guid transfer = body.Id();
        body.S32();
        int source = body.S32();
        body.F32();
        ReadOnlySpan<byte> parameters = body.Var2();
        // Files, task inventory and estates: this grid has none, and OpenSimulator's answer is silence or a permission.
        if (body.Overrun || source != SourceAsset || parameters.Length != 20) return;
        var key = new BodyReader(parameters);
        Guid id = key.Id();
        StandInGrid grid = presence.Region.Grid;
        grid.Counters.Transfer(id);
        GridAsset? asset = grid.Assets.Find(id);
        presence.Send(new BodyWriter(Message.TransferInfo).Id(transfer).S32(Channel).S32(0)
            .S32(asset is null ? NotFound : Ok).S32(asset?.Bytes.Length ?? 0).Var2(parameters));
        if (asset is null) return;
        lock (gate) running[transfer] = new Transfer { Bytes = asset.Bytes };
    }

    public void Abort(BodyReader body)
    {
        lock (gate) running.Remove(body.Id());
    }

    /// <summary>Sends at most <paramref name="count"/> packets while the other end keeps up.</summary>
    public void Pump(int count)
    {
        while (count-- > 0 && presence.Circuit!.Unacked < InFlight)
        {
            BodyWriter message;
            int length;
            lock (gate)
            {
                if (running.Count == 0) return;
                (Guid id, Transfer transfer) = running.First();
                int from = Part * transfer.Next;
                length = Math.Min(Part, transfer.Bytes.Length - from);
                bool last = from + length == transfer.Bytes.Length;
                message = new BodyWriter(Message.TransferPacket).Id(id).S32(Channel).S32(transfer.Next++).S32(last ? Done : Ok)
                    .Var2(transfer.Bytes.AsSpan(from, length));
                if (last) running.Remove(id);
            }

            presence.Send(message);
            presence.Region.Grid.Counters.TransferPacket(length);
        }
    }
}
