namespace GlobalCache.Client.Lludp;

/// <summary>The messages the proxy acts on; each value is the message number's bytes as they stand on the wire (PROTOCOL §1.2).</summary>
internal enum Message : uint
{
    /// <summary>No number that can be read.</summary>
    None = 0,
    StartPingCheck = 0x01,
    CompletePingCheck = 0x02,
    RequestImage = 0x08,
    ImageData = 0x09,
    ImagePacket = 0x0A,
    ObjectUpdate = 0x0C,
    ObjectUpdateCompressed = 0x0D,
    ImprovedTerseObjectUpdate = 0x0F,
    TransferPacket = 0x11,
    AvatarAnimation = 0x14,
    SoundTrigger = 0x1D,
    ObjectAnimation = 0x1E,
    CrossedRegion = 0xFF07,
    AttachedSound = 0xFF0D,
    PreloadSound = 0xFF0F,
    UseCircuitCode = 0xFFFF0003,
    TeleportFinish = 0xFFFF0045,
    AgentSetAppearance = 0xFFFF0054,
    ImageNotInDatabase = 0xFFFF0056,
    RebakeAvatarTextures = 0xFFFF0057,
    RegionHandshake = 0xFFFF0094,
    EnableSimulator = 0xFFFF0097,
    DisableSimulator = 0xFFFF0098,
    TransferRequest = 0xFFFF0099,
    TransferInfo = 0xFFFF009A,
    TransferAbort = 0xFFFF009B,
    AvatarAppearance = 0xFFFF009E,
    KickUser = 0xFFFF00A3,
    CompleteAgentMovement = 0xFFFF00F9,
    LogoutRequest = 0xFFFF00FC,
    LogoutReply = 0xFFFF00FD,
    AgentCachedTextureResponse = 0xFFFF0181,
    PacketAck = 0xFFFFFFFB,
    OpenCircuit = 0xFFFFFFFC,
    CloseCircuit = 0xFFFFFFFD,
}

/// <summary>Reads and writes message numbers of one, two and four bytes; those not named above are carried as they are.</summary>
internal static class MessageId
{
    public const int MaxSize = 4;

    /// <summary><see cref="Message.None"/>: the message ends within its number.</summary>
    public static Message Read(ReadOnlySpan<byte> message, bool zeroCoded)
    {
        if (!zeroCoded)
        {
            return Read(message);
        }

        Span<byte> number = stackalloc byte[MaxSize];
        return Read(number[..ZeroCode.ExpandPrefix(message, number)]);
    }

    /// <summary>Bytes the number takes before zero-coding.</summary>
    public static int SizeOf(Message message) => (uint)message switch
    {
        <= 0xFF => 1,
        <= 0xFFFF => 2,
        _ => 4,
    };

    /// <summary>Writes the number, uncoded; the bytes it took. The destination must hold <see cref="MaxSize"/>.</summary>
    public static int Write(Message message, Span<byte> destination)
    {
        int size = SizeOf(message);
        for (int i = 0; i < size; i++)
        {
            destination[i] = (byte)((uint)message >> (8 * (size - 1 - i)));
        }

        return size;
    }

    private static Message Read(ReadOnlySpan<byte> message) => message switch
    {
        [0xFF, 0xFF, byte high, byte low, ..] => (Message)(0xFFFF0000u | (uint)(high << 8) | low),
        [0xFF, 0xFF, ..] or [0xFF] or [] => Message.None,
        [0xFF, byte medium, ..] => (Message)(0xFF00u | medium),
        [byte high, ..] => (Message)high,
    };
}
