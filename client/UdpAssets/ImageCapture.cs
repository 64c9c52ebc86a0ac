using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// One image as it fills. Packets that come before their header cannot be counted on to come again, since the viewer acks them whether or not
/// it can use them; so the first 64 are kept where their number says they belong, and checked when the header tells the size.
/// </summary>
internal sealed class ImageCapture
{
    public const byte J2c = 2;

    /// <summary>Packets kept before the header; those numbered beyond it are left to the completion over HTTP.</summary>
    public const int EarlyPackets = 64;

    private byte[] _bytes = [];
    private bool[] _held = [];
    private ushort[]? _early;
    private int _count;
    private long _reserved;
    private bool _refused;

    /// <summary>When to stop waiting.</summary>
    public long Due { get; set; }

    public bool Cancelled { get; set; }

    /// <summary>The header has come.</summary>
    public bool IsFilling { get; private set; }

    /// <summary>Takes the header and the first packet. True: the image is whole.</summary>
    public bool Fill(int size, int packets, ReadOnlySpan<byte> data, CaptureMemory memory)
    {
        // The whole file in the header: PROTOCOL §5.3 allows it, whatever its length.
        bool all = data.Length == size;
        if (IsFilling && _bytes.Length == size)
        {
            return !all ? Place(0, data, memory) : PlaceAll(data);
        }

        if (!all && (data.Length != ImagePackets.FirstBytes || packets != ImagePackets.Count(size)))
        {
            Refuse(memory);
            return false;
        }

        _refused = false;                           // another header, another chance
        (byte[] early, ushort[]? lengths) = (_bytes, IsFilling ? null : _early);
        long earlier = _reserved;
        _reserved = size + ImagePackets.Count(size);
        if (!memory.TryReserve(_reserved))
        {
            _reserved = earlier;
            Refuse(memory);
            return false;
        }

        (_bytes, _held, _early, _count, IsFilling) = (new byte[size], new bool[ImagePackets.Count(size)], null, 0, true);
        bool whole = all ? PlaceAll(data) : Place(0, data, memory);
        for (int i = 1; lengths is not null && i < lengths.Length && !_refused && !whole; i++)
        {
            if (lengths[i] > 0)
            {
                whole = Place(i, early.AsSpan(ImagePackets.Extent(early.Length, i).Start, lengths[i]), memory);
            }
        }

        memory.Release(earlier);
        return whole;
    }

    /// <summary>Takes a later packet. True: the image is whole.</summary>
    public bool Fill(int packet, ReadOnlySpan<byte> data, CaptureMemory memory)
    {
        if (IsFilling || _refused || packet == 0)
        {
            return IsFilling && packet != 0 && Place(packet, data, memory);
        }

        if (_early is null)
        {
            int room = ImagePackets.FirstBytes + (ImagePackets.Bytes * (EarlyPackets - 1));
            if (!memory.TryReserve(room))
            {
                Refuse(memory);
                return false;
            }

            (_bytes, _early, _reserved) = (new byte[room], new ushort[EarlyPackets], room);
        }

        if (packet < EarlyPackets && data.Length is > 0 and <= ImagePackets.Bytes && _early[packet] == 0)
        {
            data.CopyTo(_bytes.AsSpan(ImagePackets.Extent(_bytes.Length, packet).Start));
            _early[packet] = (ushort)data.Length;
        }

        return false;
    }

    /// <summary>Hands the bytes over, and the memory back.</summary>
    public byte[] Take(CaptureMemory memory, out bool[] held)
    {
        (byte[] bytes, held) = (_bytes, _held);
        Refuse(memory);
        return bytes;
    }

    /// <summary>Keeps nothing of it; the image is still the sim's until its time is over.</summary>
    public void Refuse(CaptureMemory memory)
    {
        memory.Release(_reserved);
        (_bytes, _held, _early, _count, _reserved, IsFilling, _refused) = ([], [], null, 0, 0, false, true);
    }

    private bool PlaceAll(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_bytes);
        _held.AsSpan().Fill(true);
        _count = _held.Length;
        return true;
    }

    /// <summary>A packet that does not fit, or differs from the one held under its number, belongs to another file: nothing of this is believed.</summary>
    private bool Place(int packet, ReadOnlySpan<byte> data, CaptureMemory memory)
    {
        if (packet < _held.Length)
        {
            (int start, int length) = ImagePackets.Extent(_bytes.Length, packet);
            Span<byte> place = _bytes.AsSpan(start, length);
            if (data.Length == length && (!_held[packet] || data.SequenceEqual(place)))
            {
                data.CopyTo(place);
                _count += _held[packet] ? 0 : 1;
                _held[packet] = true;
                return _count == _held.Length;
            }
        }

        Refuse(memory);
        return false;
    }
}
