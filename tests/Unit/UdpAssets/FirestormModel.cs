using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>
/// A viewer's end of one circuit on a virtual clock, written apart from the product: it reads its socket once a frame from a buffer of limited
/// size, keeps LLUDP's manners (<see cref="LludpEnd"/>) and fetches images and assets as Firestorm does.
/// </summary>
internal sealed class FirestormModel
{
    /// <summary>What Linux commonly grants; a datagram of 1 kB takes 2304 bytes of it, so about 92 fit.</summary>
    public const int DefaultBuffer = 212_992;

    public static readonly Guid Agent = new("11111111-2222-3333-4444-555555555555");
    public static readonly Guid Session = new("66666666-7777-8888-9999-aaaaaaaaaaaa");
    public const uint Code = 0x12345678;

    private readonly int _bufferBytes;
    private readonly Queue<(byte[] Wire, bool Copy, int Cost)> _socket = new();
    private int _buffered;

    public FirestormModel(uint first, Action<byte[]> transmit, Func<ImageFetch, int, int>? bytesNeeded = null, Func<Guid>? newId = null, int bufferBytes = DefaultBuffer)
    {
        End = new LludpEnd("the viewer", LludpManner.Viewer, first, transmit);
        Images = new FirestormImages(bytesNeeded ?? ((fetch, discard) => discard == 0 ? int.MaxValue : FirestormTargets.Bytes(fetch, discard < 0 ? 5 : discard)));
        Transfers = new FirestormTransfers(newId ?? Guid.NewGuid);
        _bufferBytes = bufferBytes;
    }

    public LludpEnd End { get; }

    public FirestormImages Images { get; }

    public FirestormTransfers Transfers { get; }

    /// <summary>Datagrams the full socket buffer has swallowed.</summary>
    public int Overflowed { get; private set; }

    public int Received { get; private set; }

    /// <summary>Every message that is no housekeeping, as it is taken.</summary>
    public Action<Datagram> Took { get; set; } = _ => { };

    /// <summary>A circuit that does not open is no session: this one packet is sent until it arrives.</summary>
    public void Open(long now) =>
        End.Send(now, new BodyWriter(Message.UseCircuitCode).U32(Code).Id(Session).Id(Agent), reliable: true, forEver: true);

    /// <summary>A datagram has reached the socket: it waits for the next frame, or is lost because the buffer is full.</summary>
    public void Arrive(byte[] wire, bool copy)
    {
        // skb of the kernel: data, headers and shared info rounded up to a power of two, and the skb itself.
        int cost = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(wire.Length + 384)) + 256;
        if (_buffered + cost > _bufferBytes)
        {
            Overflowed++;
            return;
        }

        _buffered += cost;
        _socket.Enqueue((wire, copy, cost));
    }

    public void Frame(long now)
    {
        while (_socket.TryDequeue(out (byte[] Wire, bool Copy, int Cost) packet))
        {
            _buffered -= packet.Cost;
            Received++;
            if (End.Accept(now, packet.Wire, packet.Copy, out Datagram datagram))
            {
                Take(now, datagram);
            }
        }

        Images.Frame(now, blocks => Request(now, blocks));
        Transfers.Frame(now, (message, coded) => End.Send(now, message, reliable: true, coded: coded));
        End.Tick(now);
    }

    private void Take(long now, in Datagram datagram)
    {
        Took(datagram);
        switch (datagram.Message)
        {
            case Message.ImageData or Message.ImagePacket or Message.ImageNotInDatabase:
                Images.Receive(datagram);
                break;
            case Message.TransferInfo or Message.TransferPacket or Message.TransferAbort:
                Transfers.Receive(now, datagram);
                break;
            case Message.RequestImage or Message.TransferRequest:
                Assert.Fail($"the viewer got a {datagram.Message}");
                break;
        }
    }

    private void Request(long now, List<(Guid Id, sbyte Discard, float Priority, uint Packet, byte Type)> blocks)
    {
        BodyWriter message = new BodyWriter(Message.RequestImage).Id(Agent).Id(Session).U8((byte)blocks.Count);
        foreach ((Guid id, sbyte discard, float priority, uint packet, byte type) in blocks)
        {
            message.Id(id).U8((byte)discard).F32(priority).U32(packet).U8(type);
        }

        // Semi-reliable: it wants an ack, but is never sent again.
        End.Send(now, message, reliable: true, resendable: false);
    }
}

/// <summary>How many bytes a viewer wants for a discard level (PROTOCOL §3.4): Firestorm's figures by the larger side of the picture.</summary>
internal static class FirestormTargets
{
    public static int Bytes(ImageFetch fetch, int discard)
    {
        ReadOnlySpan<byte> header = fetch.Packets[0];
        int side = header.Length < 16 ? 1024 : Math.Max(Number(header[8..]), Number(header[12..]));
        int[] targets = side <= 256 ? [12_888, 12_888, 12_888, 4_696, 2_648] : side <= 512 ? [45_656, 45_656, 12_888, 4_696, 2_648] : [176_728, 45_656, 12_888, 4_696, 2_648];
        return targets[Math.Min(discard, 5) - 1];
    }

    private static int Number(ReadOnlySpan<byte> at) => (at[0] << 24) | (at[1] << 16) | (at[2] << 8) | at[3];
}
