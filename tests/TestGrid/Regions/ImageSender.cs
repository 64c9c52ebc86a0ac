using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Regions;

/// <summary>
/// Sends textures by UDP as OpenSimulator does (PROTOCOL §5): ImageData of 600 bytes first on every new request, even for
/// Packet &gt; 0, then packets of 1000 up to where the discard level ends; the stand-in picture for what does not exist.
/// </summary>
internal sealed class ImageSender(Presence presence)
{
    private sealed class Picture
    {
        public required byte[] Bytes;
        public bool HeaderSent;
        public int Next, Last;
        public float Priority;
    }

    private const int First = 600, Rest = 1000, InFlight = 256;
    // How much of a file a discard level needs: 2 and 4 as recorded (packets 20 and 2 of 99), the others between.
    private static readonly double[] Share = [1, 0.45, 0.205, 0.09, 0.025, 0.01];
    private readonly Lock gate = new();
    private readonly Dictionary<Guid, Picture> wanted = [];

    public void Request(BodyReader body)
    {
        body.Skip(32);
        for (int n = body.U8(); n > 0; n--)
        {
            Guid id = body.Id();
            int discard = body.S8();
            float priority = body.F32();
            int packet = (int)body.U32();
            body.U8();
            if (body.Overrun) return;
            Request(id, discard, priority, packet);
        }
    }

    /// <summary>Sends at most <paramref name="count"/> packets, the highest priority first, while the other end keeps up.</summary>
    public void Pump(int count)
    {
        while (count-- > 0 && presence.Circuit!.Unacked < InFlight)
        {
            BodyWriter message;
            int bytes;
            lock (gate)
            {
                if (wanted.Count == 0) return;
                (Guid id, Picture picture) = wanted.MaxBy(w => w.Value.Priority);
                (message, bytes) = Next_NeedsLock(id, picture);
                if (picture.Next > picture.Last && picture.HeaderSent) wanted.Remove(id);
            }

            presence.Send(message);
            presence.Region.Grid.Counters.ImagePacket(bytes);
        }
    }

    private void Request(Guid id, int discard, float priority, int packet)
    {
        lock (gate)
        {
            if (discard == -1 && priority == 0)
            {
                wanted.Remove(id);
                return;
            }
        }

        StandInGrid grid = presence.Region.Grid;
        grid.Counters.Image(id);
        byte[]? bytes = grid.Assets.Find(id) is { Type: 0 } held ? held.Bytes
            : grid.Options.SendsStandInPicture ? grid.Assets.Find(GridAssets.StandInPicture)?.Bytes : null;
        if (bytes is null || Packets(bytes.Length) > ushort.MaxValue)
        {
            presence.Send(new BodyWriter(Message.ImageNotInDatabase).Id(id));
            return;
        }

        int packets = Packets(bytes.Length);
        int last = discard <= 0 ? packets - 1 : PacketOf((int)(bytes.Length * Share[Math.Clamp(discard, 0, 5)]));
        // Never less than two packets; where only one would remain, it goes along.
        last = Math.Min(Math.Max(last, 1), packets - 1);
        if (last == packets - 2) last = packets - 1;
        lock (gate)
        {
            if (!wanted.TryGetValue(id, out Picture? picture)) wanted[id] = picture = new Picture { Bytes = bytes, Next = Math.Max(packet, 1) };
            picture.Last = last;
            picture.Priority = priority;
        }
    }

    private static (BodyWriter Message, int Bytes) Next_NeedsLock(Guid id, Picture picture)
    {
        byte[] bytes = picture.Bytes;
        if (!picture.HeaderSent)
        {
            picture.HeaderSent = true;
            ReadOnlySpan<byte> first = bytes.AsSpan(0, Math.Min(First, bytes.Length));
            return (new BodyWriter(Message.ImageData).Id(id).U8(2).U32((uint)bytes.Length).U16((ushort)Packets(bytes.Length)).Var2(first), first.Length);
        }

        int from = First + Rest * (picture.Next - 1);
        ReadOnlySpan<byte> part = bytes.AsSpan(from, Math.Min(Rest, bytes.Length - from));
        return (new BodyWriter(Message.ImagePacket).Id(id).U16((ushort)picture.Next++).Var2(part), part.Length);
    }

    private static int Packets(int size) => size <= First ? 1 : 1 + (size - First + Rest - 1) / Rest;

    private static int PacketOf(int end) => end <= First ? 0 : (end - First + Rest - 1) / Rest;
}
