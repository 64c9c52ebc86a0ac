using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// One transfer as it fills. A packet's place is known only when all before it are here, for each may be of any length; so packets are kept in
/// the order of their coming, which takes no more room than the asset, and are put in order at the end if need be.
/// </summary>
internal sealed class TransferCapture(AssetType type, Guid asset)
{
    /// <summary>Kept of packets that come before the TransferInfo; with more of them the transfer is not captured.</summary>
    public const int EarlyBytes = 64 << 10;

    /// <summary>What the longest packet carries (PROTOCOL §6.1).</summary>
    public const int MaxPacketBytes = 2048;

    // Senders use 600 and 1000 bytes a packet; far smaller ones would make the list of packets larger than the asset.
    private const int SmallestPacketBytes = 128;
    private const int SparePackets = 16;
    private const int PacketBytes = sizeof(int) + sizeof(ushort);

    private byte[] _bytes = [];
    private int[] _starts = [];
    private ushort[] _lengths = [];
    private int _size = -1, _length, _count, _last = -1, _highest = -1;
    private long _reserved;
    private bool _inOrder = true;

    public AssetType Type { get; } = type;

    public Guid Asset { get; } = asset;

    /// <summary>When to stop waiting.</summary>
    public long Due { get; set; }

    private bool IsWhole => _size >= 0 && _length == _size && _count == _last + 1;

    /// <summary>Takes what the TransferInfo says. False: this cannot be captured.</summary>
    public bool TryAnnounce(int size, CaptureMemory memory, out byte[]? whole)
    {
        whole = null;
        if (size <= 0 || size > Type.MaxBytes() || (_size >= 0 && _size != size) || _length > size)
        {
            return false;
        }

        if (_size < 0)
        {
            if (!TryMakeRoom(size, memory))
            {
                return false;
            }

            _size = size;
        }

        return !IsWhole || TryTake(memory, out whole);
    }

    /// <summary>Takes a packet. False: this cannot be captured. <paramref name="whole"/> is the asset with its last missing packet.</summary>
    public bool TryFill(int packet, bool last, ReadOnlySpan<byte> data, CaptureMemory memory, out byte[]? whole)
    {
        whole = null;
        if (_bytes.Length == 0 && !TryMakeRoom(EarlyBytes, memory))
        {
            return false;
        }

        if ((uint)packet >= (uint)_lengths.Length || data.Length is 0 or > MaxPacketBytes)
        {
            return false;
        }

        if (_lengths[packet] > 0)
        {
            return data.SequenceEqual(_bytes.AsSpan(_starts[packet], _lengths[packet]));
        }

        if (data.Length > _bytes.Length - _length || (last ? _last >= 0 || packet < _highest : _last >= 0 && packet > _last))
        {
            return false;
        }

        data.CopyTo(_bytes.AsSpan(_length));
        (_starts[packet], _lengths[packet]) = (_length, (ushort)data.Length);
        _inOrder &= packet == _count;
        _length += data.Length;
        _count++;
        _highest = Math.Max(_highest, packet);
        _last = last ? packet : _last;
        return !IsWhole || TryTake(memory, out whole);
    }

    /// <summary>The memory is the others' again.</summary>
    public void Close(CaptureMemory memory)
    {
        memory.Release(_reserved);
        (_bytes, _starts, _lengths, _reserved) = ([], [], [], 0);
    }

    /// <summary>Reserves, and takes over what came early.</summary>
    private bool TryMakeRoom(int size, CaptureMemory memory)
    {
        int packets = (size / SmallestPacketBytes) + SparePackets;
        long wanted = size + ((long)packets * PacketBytes);
        if (!memory.TryReserve(wanted))
        {
            return false;
        }

        (byte[] bytes, int[] starts, ushort[] lengths) = (new byte[size], new int[packets], new ushort[packets]);
        _bytes.AsSpan(0, _length).CopyTo(bytes);
        int kept = Math.Min(packets, _lengths.Length);
        bool all = !_lengths.AsSpan(kept).ContainsAnyExcept((ushort)0);
        Array.Copy(_starts, starts, kept);
        Array.Copy(_lengths, lengths, kept);
        memory.Release(_reserved);
        (_bytes, _starts, _lengths, _reserved) = (bytes, starts, lengths, wanted);
        return all;
    }

    private bool TryTake(CaptureMemory memory, out byte[]? whole)
    {
        whole = _bytes;
        if (!_inOrder)
        {
            // Both copies exist for a moment.
            if (!memory.TryReserve(_size))
            {
                whole = null;
                return false;
            }

            whole = new byte[_size];
            for (int packet = 0, at = 0; packet < _count; at += _lengths[packet++])
            {
                _bytes.AsSpan(_starts[packet], _lengths[packet]).CopyTo(whole.AsSpan(at));
            }

            memory.Release(_size);
        }

        return true;
    }
}
