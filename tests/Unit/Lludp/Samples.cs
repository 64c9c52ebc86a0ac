using System.Text;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Tests.Lludp;

/// <summary>The hex samples of the protocol document, with its agent, session and asset written out.</summary>
internal static class Samples
{
    private const string Agent = "11111111222233334444555555555555";
    private const string Session = "66666666777788889999AAAAAAAAAAAA";
    private const string Asset = "8955674724CB43ED920B47CAED15465F";
    private const string Transfer = "0F0E0D0C0B0A09080706050403020100";

    public static IReadOnlyDictionary<string, (byte[] Bytes, uint Number, int BodyLength)> All { get; } =
        new Dictionary<string, (string Hex, uint Number, int BodyLength)>
        {
            ["AgentThrottle plain"] = ($"40 0000002E 00 FFFF0051 {Agent} {Session} 78563412 00000000 1C" + new string('0', 56), 0xFFFF0051, 69),
            ["AgentThrottle coded"] = ($"C0 0000002E 00 FFFF000151 {Agent} {Session} 78563412 0004 1C 001C", 0xFFFF0051, 69),
            ["UseCircuitCode"] = ($"40 00000001 00 FFFF0003 78563412 {Session} {Agent}", 0xFFFF0003, 36),
            ["PacketAck"] = ("00 0000002A 00 FFFFFFFB 02 10000000 11000000", 0xFFFFFFFB, 9),
            ["CompletePingCheck with acks"] = ("10 0000002D 00 02 07  00000010 00000011 02", 0x02, 1),
            ["StartPingCheck"] = ("00 0000002B 00 01 07 10000000", 0x01, 5),
            ["CompletePingCheck"] = ("00 0000002C 00 02 07", 0x02, 1),
            ["CloseCircuit"] = ("00 0000050C 00 FFFFFFFD", 0xFFFFFFFD, 0),
            ["EnableSimulator"] = ("40 00000507 00 FFFF0097 00E90300 00E80300 CB007107 32CD", 0xFFFF0097, 14),
            ["TeleportFinish"] = ($"40 00000508 00 FFFF0045 {Agent} 04000000 7F000001 32CD 00E9030000E80300 1B00 "
                + Convert.ToHexString(Encoding.ASCII.GetBytes("http://127.0.0.1:12080/s/1\0")) + "0D 10000000", 0xFFFF0045, 68),
            ["RequestImage"] = ($"40 00000030 00 08 {Agent} {Session} 01 {Asset} 00 80CD7749 00000000 00", 0x08, 59),
            ["RequestImage cancel"] = ($"40 00000031 00 08 {Agent} {Session} 01 {Asset} FF 00000000 00000000 00", 0x08, 59),
            ["ImageData"] = ($"40 00000500 00 09 {Asset} 02 8D0A0000 0400 5802" + Fill(600), 0x09, 25 + 600),
            ["ImagePacket"] = ($"40 00000501 00 0A {Asset} 0100 E803" + Fill(1000), 0x0A, 20 + 1000),
            ["ImageNotInDatabase"] = ($"40 00000502 00 FFFF0056 {Asset}", 0xFFFF0056, 16),
            ["ImageNotInDatabase coded"] = ($"C0 00000502 00 FFFF000156 {Asset}", 0xFFFF0056, 16),
            ["TransferRequest"] = ($"C0 00000032 00 FFFF000199 0F0E0D0C0B0A09080706050403020100 01 0200 03 0200 05 CA42 1400 01 {Asset} 0100 03", 0xFFFF0099, 50),
            ["TransferInfo"] = ($"40 00000503 00 FFFF009A {Transfer} 02000000 00000000 00000000 40060000 1400 {Asset} 01000000", 0xFFFF009A, 54),
            ["TransferPacket 0"] = ($"40 00000504 00 11 {Transfer} 02000000 00000000 00000000 E803" + Fill(1000), 0x11, 30 + 1000),
            ["TransferPacket 1"] = ($"40 00000505 00 11 {Transfer} 02000000 01000000 01000000 5802" + Fill(600), 0x11, 30 + 600),
            ["TransferInfo not found"] = ($"40 00000506 00 FFFF009A {Transfer} 02000000 00000000 FEFFFFFF 00000000 1400 {Asset} 01000000", 0xFFFF009A, 54),
        }.ToDictionary(s => s.Key, s => (Convert.FromHexString(s.Value.Hex.Replace(" ", "", StringComparison.Ordinal)), s.Value.Number, s.Value.BodyLength));

    /// <summary>Takes a datagram apart with the codec and writes it again from the parts.</summary>
    public static byte[] Reencode(byte[] packet)
    {
        Assert.True(Datagram.TryRead(packet.ToArray(), packet.Length, out Datagram datagram));
        PacketHeader header = datagram.Header;
        byte[] written = new byte[packet.Length + 8192];
        Assert.True((header with { Flags = header.Flags & ~PacketFlags.Acks }).TryWrite(written));
        int length = PacketHeader.Size;
        Assert.True(datagram.TryOpen(new byte[ZeroCode.MaxExpanded], out ReadOnlySpan<byte> body));
        Assert.Equal(0, header.ExtraLength);
        byte[] message = new byte[MessageId.MaxSize + body.Length];
        int start = MessageId.Write(datagram.Message, message);
        body.CopyTo(message.AsSpan(start));
        message = message[..(start + body.Length)];
        if (header.ZeroCoded)
        {
            Assert.True(ZeroCode.TryCompress(message, written.AsSpan(length), out int compressed));
            length += compressed;
        }
        else
        {
            message.CopyTo(written, length);
            length += message.Length;
        }

        Assert.Equal(length, header.MessageEnd);
        Assert.True(Datagram.TryRead(written, length, out Datagram rebuilt));
        if (header.HasAcks)
        {
            uint[] ids = new uint[header.AckCount];
            for (int i = 0; i < ids.Length; i++)
            {
                ids[i] = datagram.AckAt(i);
            }

            rebuilt.SetAcks(ids);
        }

        return rebuilt.Bytes.ToArray();
    }

    private static string Fill(int length) => Convert.ToHexString([.. Enumerable.Range(1, length).Select(i => (byte)(i % 255 + 1))]);
}
