using System.Buffers.Binary;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// How many packets of a picture a viewer needs to see it at a discard level: what viewers reckon for themselves (PROTOCOL §3.4), of the two
/// known formulas the larger. Too few costs another request, too many only bytes.
/// </summary>
internal static class DiscardLevels
{
    // So small a file is sent whole.
    private const int Small = 64 * 1024;
    private const int Coarsest = 5;

    /// <summary>The last packet to be sent of this J2C file.</summary>
    public static int LastPacket(ReadOnlySpan<byte> file, int discard)
    {
        int last = ImagePackets.Count(file.Length) - 1;
        if (discard <= 0 || file.Length <= Small || !TryReadSize(file, out uint width, out uint height))
        {
            return last;
        }

        // OpenSim never stops after the header, nor with one packet left (PROTOCOL §5.3).
        int wanted = Math.Max(1, ImagePackets.Holding(Math.Min(file.Length, Target(Math.Max(width, height), discard)) - 1));
        return wanted >= last - 1 ? last : wanted;
    }

    /// <summary>Bytes the viewers of late 2025 ask for: a base for level 5, and for each finer one four times what the one before took.</summary>
    public static int Target(uint side, int discard)
    {
        (int target, int step) = side <= 1024 ? (16_792, 32_768) : (18_840, 40_960);
        for (int level = Coarsest; level > Math.Max(discard, 0); level--)
        {
            target += step;
            step *= 4;
        }

        return target;
    }

    private static bool TryReadSize(ReadOnlySpan<byte> file, out uint width, out uint height)
    {
        (width, height) = (0, 0);
        if (file.Length < 24 || !file.StartsWith<byte>([0xFF, 0x4F, 0xFF, 0x51]))
        {
            return false;
        }

        width = BinaryPrimitives.ReadUInt32BigEndian(file[8..]) - BinaryPrimitives.ReadUInt32BigEndian(file[16..]);
        height = BinaryPrimitives.ReadUInt32BigEndian(file[12..]) - BinaryPrimitives.ReadUInt32BigEndian(file[20..]);
        return true;
    }
}
