using System.Buffers.Binary;

namespace GlobalCache.Client.Lludp;

/// <summary>
/// One datagram lying in a buffer with room to grow. Whatever is not asked to change keeps its bytes, zero-coding included;
/// a message that is changed leaves uncoded, with the flag cleared (the flag decides, never the template: PROTOCOL §1.1).
/// </summary>
internal ref struct Datagram
{
    private readonly Span<byte> _buffer;

    private Datagram(Span<byte> buffer, int length, PacketHeader header)
    {
        _buffer = buffer;
        Length = length;
        Header = header;
        Message = MessageId.Read(buffer[PacketHeader.Size..header.MessageEnd], header.ZeroCoded);
    }

    public int Length { get; private set; }

    public PacketHeader Header { get; private set; }

    public Message Message { get; }

    /// <summary>Bytes the buffer has left.</summary>
    public readonly int Room => _buffer.Length - Length;

    public readonly ReadOnlySpan<byte> Bytes => _buffer[..Length];

    /// <summary>The appended acks' ids, big-endian, without their count.</summary>
    public readonly ReadOnlySpan<byte> AckIds => _buffer.Slice(Header.MessageEnd, 4 * Header.AckCount);

    /// <summary>False: malformed, see <see cref="PacketHeader.TryRead"/>.</summary>
    public static bool TryRead(Span<byte> buffer, int length, out Datagram datagram)
    {
        if (!PacketHeader.TryRead(buffer[..length], out PacketHeader header))
        {
            datagram = default;
            return false;
        }

        datagram = new Datagram(buffer, length, header);
        return true;
    }

    public readonly uint AckAt(int index) => BinaryPrimitives.ReadUInt32BigEndian(_buffer[(Header.MessageEnd + (4 * index))..]);

    public void SetSequence(uint sequence)
    {
        Header = Header with { Sequence = sequence };
        Header.TryWrite(_buffer);
    }

    /// <summary>Replaces the appended acks; without ids the flag and the count byte go. The ids must not overlap this datagram's own.</summary>
    public void SetAcks(scoped ReadOnlySpan<uint> ids)
    {
        int at = Header.MessageEnd;
        foreach (uint id in ids)
        {
            BinaryPrimitives.WriteUInt32BigEndian(_buffer[at..], id);
            at += 4;
        }

        PacketFlags flags = Header.Flags & ~PacketFlags.Acks;
        if (!ids.IsEmpty)
        {
            flags |= PacketFlags.Acks;
            _buffer[at++] = (byte)ids.Length;
        }

        Length = at;
        Header = Header with { Flags = flags, AckCount = ids.Length };
        Header.TryWrite(_buffer);
    }

    /// <summary>
    /// The message's fields, after number and extra bytes: in place, or expanded into <paramref name="scratch"/> (which a coded
    /// message needs to be <see cref="ZeroCode.MaxExpanded"/> long). False: it ends before its fields begin, or expands beyond the bound.
    /// </summary>
    public readonly bool TryOpen(Span<byte> scratch, out ReadOnlySpan<byte> body)
    {
        body = default;
        ReadOnlySpan<byte> message = _buffer[PacketHeader.Size..Header.MessageEnd];
        if (Header.ZeroCoded)
        {
            if (!ZeroCode.TryExpand(message, scratch, out int written))
            {
                return false;
            }

            message = scratch[..written];
        }

        int start = MessageId.SizeOf(Message) + Header.ExtraLength;
        if (Message == Message.None || start > message.Length)
        {
            return false;
        }

        body = message[start..];
        return true;
    }

    /// <summary>Puts other fields in place of the message's own; number, extra bytes and appended acks stay. The new ones lie elsewhere. False: no room, nothing changed.</summary>
    public bool TryReplaceBody(scoped ReadOnlySpan<byte> body)
    {
        Span<byte> prefix = stackalloc byte[MessageId.MaxSize + byte.MaxValue];
        prefix = prefix[..(MessageId.SizeOf(Message) + Header.ExtraLength)];
        ReadOnlySpan<byte> message = _buffer[PacketHeader.Size..Header.MessageEnd];
        int held = Header.ZeroCoded ? ZeroCode.ExpandPrefix(message, prefix) : CopyPrefix(message, prefix);
        int end = PacketHeader.Size + prefix.Length + body.Length;
        int tail = Length - Header.MessageEnd;
        if (held < prefix.Length || end + tail > _buffer.Length)
        {
            return false;
        }

        _buffer[Header.MessageEnd..Length].CopyTo(_buffer[end..]);
        prefix.CopyTo(_buffer[PacketHeader.Size..]);
        body.CopyTo(_buffer[(PacketHeader.Size + prefix.Length)..]);
        Length = end + tail;
        Header = Header with { Flags = Header.Flags & ~PacketFlags.ZeroCoded, MessageEnd = end };
        Header.TryWrite(_buffer);
        return true;
    }

    private static int CopyPrefix(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int length = Math.Min(source.Length, destination.Length);
        source[..length].CopyTo(destination);
        return length;
    }
}
