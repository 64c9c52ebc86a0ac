using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

internal enum ImagePhase
{
    /// <summary>The store has been asked.</summary>
    Reading,

    /// <summary>Its packets are being sent, or wait for their acks.</summary>
    Sending,

    /// <summary>Nothing is left to be sent. What the viewer may hold of it is remembered.</summary>
    Settled,

    /// <summary>It could not be finished from here: we have asked the sim for the rest.</summary>
    WithSim,
}

/// <summary>
/// One image as one viewer gets it from us (PROTOCOL §5.3, §5.4). A viewer gives an image up that it gets a packet of before its header, or a
/// header while it holds one. So packets wait until the header is acked, and a header only goes to a viewer that surely holds none.
/// </summary>
internal sealed class ImageAnswer(Guid id)
{
    private long _header = -1;
    private bool _headerAcked;
    private bool _headerHad;
    private uint _headerKnown;
    private sbyte _discard;

    public Guid Id => id;

    public ImagePhase Phase { get; set; } = ImagePhase.Settled;

    /// <summary>What the viewer has asked for last.</summary>
    public ImageRequest Request { get; set; }

    public AssetRead? Read { get; set; }

    /// <summary>While reading: when the sim is to be asked instead.</summary>
    public long ReadUntil { get; set; }

    /// <summary>A request for it has been swallowed, so if it cannot be sent we ask the sim ourselves.</summary>
    public bool Owed { get; set; }

    /// <summary>While packets of an earlier answer were on their way, a packet of this number has asked for all of it.</summary>
    public uint? Again { get; set; }

    /// <summary>Until then a request for all of it may have crossed a header from the sim.</summary>
    public long SimHeaderUntil { get; set; } = long.MinValue;

    /// <summary>What the viewer has, or will have, of it came from here last.</summary>
    public bool IsOurs => Phase is ImagePhase.Reading or ImagePhase.Sending || (Phase == ImagePhase.Settled && SimHeaderUntil == long.MinValue);

    /// <summary>First come, first served among equals.</summary>
    public long Turn { get; set; }

    /// <summary>What the viewer asked to begin with at this discard level.</summary>
    public int First { get; private set; }

    public int Next { get; private set; }

    public int Last { get; private set; } = -1;

    /// <summary>Packets that are unacked.</summary>
    public int InFlight { get; private set; }

    public ReadOnlySpan<byte> File => Read?.Bytes;

    /// <summary>A packet can be sent now.</summary>
    public bool Ready => Phase == ImagePhase.Sending && Next <= Last && _header < 0;

    /// <summary>All that is to be sent has arrived.</summary>
    public bool Finished => Phase == ImagePhase.Sending && Next > Last && InFlight == 0;

    /// <summary>The viewer has the header, or will have it when all goes well.</summary>
    public bool HeaderHeld => _header >= 0 || _headerAcked || _headerHad;

    /// <summary>
    /// A request for all of it, in a packet numbered <paramref name="sequence"/>, has crossed our header: the viewer sent it without knowing that
    /// it has one. (A packet that carries the header's ack itself is no such request: its ack comes after.)
    /// </summary>
    public bool Crossed(uint sequence) => _header >= 0 || (_headerAcked && Before(sequence, _headerKnown));

    /// <summary>The file is here: <see cref="Request"/> is answered from now on. False: it cannot be sent, or the viewer lacks nothing of it.</summary>
    public bool TryStart()
    {
        ReadOnlySpan<byte> file = File;
        if (file.Length is 0 or > ImagePackets.MaxSize || Request.Packet >= ImagePackets.Count(file.Length))
        {
            return false;
        }

        int first = (int)Request.Packet, last = DiscardLevels.LastPacket(file, Request.Discard);
        bool wantsMore = Request.Discard == _discard && First < first && Last >= 0;
        (First, Next, _discard) = (first, first, Request.Discard);
        Last = wantsMore || first > last ? ImagePackets.Count(file.Length) - 1 : last;
        (_headerAcked, _headerHad) = (_headerAcked && first > 0, first > 0);
        (Phase, Owed, Again, SimHeaderUntil) = (ImagePhase.Sending, false, null, long.MinValue);
        return true;
    }

    /// <summary><see cref="Request"/> has changed while packets are being sent.</summary>
    public void Update()
    {
        int packets = ImagePackets.Count(File.Length), first = (int)Math.Min(Request.Packet, (uint)packets);
        Next = Math.Max(Next, first);
        _headerHad |= first > 0;
        if (Request.Discard != _discard)
        {
            (First, _discard) = (first, Request.Discard);
            Last = DiscardLevels.LastPacket(File, Request.Discard);
        }
        else if (first > First && Next > Last)
        {
            // It has what we reckoned it needs, and asks on.
            Last = packets - 1;
        }
    }

    public void Sent(long number)
    {
        _header = Next == 0 ? number : _header;
        Next++;
        InFlight++;
    }

    public void Acked(long number, uint carrier)
    {
        InFlight--;
        if (number == _header)
        {
            (_header, _headerAcked, _headerKnown) = (-1, true, carrier);
        }
    }

    public void Lost(long number)
    {
        InFlight--;
        if (number == _header)
        {
            (_header, _headerAcked) = (-1, false);
        }
    }

    /// <summary>The viewer has nothing of it any more.</summary>
    public void ForgetHeader() => (_headerAcked, _headerHad) = (false, false);

    /// <summary>The file is not needed any more.</summary>
    public void Release(ImagePhase phase)
    {
        Read?.Dispose();
        (Read, Phase) = (null, phase);
    }

    // Viewers number with 24 bits.
    private static bool Before(uint sequence, uint other) => (int)((sequence - other) << 8) < 0;
}
