using System.Buffers.Binary;
using System.Text;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Regions;

/// <summary>
/// Messages about terrain, parcels, avatars and statistics as OpenSimulator sent them in the recordings, with the ids put
/// in: nothing here depends on their meaning, but a viewer waits for them.
/// </summary>
internal static class Recorded
{
    private static readonly ILookup<Message, string> Bodies = Encoding.UTF8.GetString(GridAssets.Resource("messages.txt")).Split('\n')
        .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' '))
        .ToLookup(parts => Enum.Parse<Message>(parts[0]), parts => parts[1]);

    /// <summary>Every recorded message of this name, number and body.</summary>
    public static IEnumerable<BodyWriter> All(Message message, GridSession session, Region region) =>
        Bodies[message].Select(hex => Fill(message, hex, session, region));

    /// <summary>The first recorded message of this name.</summary>
    public static BodyWriter First(Message message, GridSession session, Region region) => All(message, session, region).First();

    private static BodyWriter Fill(Message message, string hex, GridSession session, Region region)
    {
        byte[] handle = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(handle, region.Handle);
        string filled = hex.Replace("{agent}", session.AgentId.ToString("N")).Replace("{session}", session.SessionId.ToString("N"))
            .Replace("{handle}", Convert.ToHexStringLower(handle)).Replace("{region}", region.Id.ToString("N"))
            .Replace("{name}", Convert.ToHexStringLower([(byte)(Encoding.UTF8.GetByteCount(region.Name) + 1), .. Encoding.UTF8.GetBytes(region.Name), 0]));
        byte[] plain = Convert.FromHexString(filled);
        var writer = new BodyWriter(message);
        return writer.Raw(plain.AsSpan(writer.Plain.Length));
    }
}
