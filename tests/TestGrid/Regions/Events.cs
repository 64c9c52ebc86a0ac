using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace GlobalCache.TestGrid.Regions;

/// <summary>The events that carry addresses, key by key as recorded (PROTOCOL §4.2). Numbers without a sign are big-endian binaries.</summary>
internal static class Events
{
    private const string Size = "<key>RegionSizeX</key><binary>AAABAA==</binary><key>RegionSizeY</key><binary>AAABAA==</binary>";

    /// <summary>Parcel data comes word for word from the recordings.</summary>
    public static string ParcelProperties { get; } = Encoding.UTF8.GetString(GridAssets.Resource("parcel-properties.xml")).Trim();

    public static void EnableSimulator(this EventQueue queue, Region region) => queue.Add("EnableSimulator",
        "<map><key>SimulatorInfo</key><array><map>"
        + $"<key>Handle</key>{Binary(region.Handle)}<key>IP</key>{Binary(region.EndPoint.Address)}<key>Port</key><integer>{region.EndPoint.Port}</integer>"
        + Size + "</map></array></map>");

    public static void EstablishAgentCommunication(this EventQueue queue, Presence there) => queue.Add("EstablishAgentCommunication",
        $"<map><key>agent-id</key><uuid>{there.Session.AgentId}</uuid><key>sim-ip-and-port</key><string>{there.Region.EndPoint}</string>"
        + $"<key>seed-capability</key><string>{there.Seed}</string></map>");

    public static void TeleportFinish(this EventQueue queue, Presence there, uint flags) => queue.Add("TeleportFinish",
        $"<map><key>Info</key><array><map><key>AgentID</key><uuid>{there.Session.AgentId}</uuid><key>LocationID</key>{Binary(4u)}"
        + $"<key>SimIP</key>{Binary(there.Region.EndPoint.Address)}<key>SimPort</key><integer>{there.Region.EndPoint.Port}</integer>"
        + $"<key>RegionHandle</key>{Binary(there.Region.Handle)}<key>SeedCapability</key><string>{there.Seed}</string>"
        + $"<key>SimAccess</key><integer>13</integer><key>TeleportFlags</key>{Binary(flags)}" + Size + "</map></array></map>");

    public static void CrossedRegion(this EventQueue queue, Presence there) => queue.Add("CrossedRegion",
        $"<map><key>AgentData</key><array><map><key>AgentID</key><uuid>{there.Session.AgentId}</uuid>"
        + $"<key>SessionID</key><uuid>{there.Session.SessionId}</uuid></map></array>"
        + "<key>Info</key><array><map><key>LookAt</key><array><real>0</real><real>0</real><real>0</real></array>"
        + "<key>Position</key><array><real>0.5</real><real>128</real><real>2.1</real></array></map></array>"
        + $"<key>RegionData</key><array><map><key>RegionHandle</key>{Binary(there.Region.Handle)}<key>SeedCapability</key><string>{there.Seed}</string>"
        + $"<key>SimIP</key>{Binary(there.Region.EndPoint.Address)}<key>SimPort</key><integer>{there.Region.EndPoint.Port}</integer>"
        + Size + "</map></array></map>");

    private static string Binary(IPAddress address) => Binary(address.GetAddressBytes());

    private static string Binary(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return Binary(bytes);
    }

    private static string Binary(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return Binary(bytes);
    }

    private static string Binary(byte[] bytes) => $"<binary>{Convert.ToBase64String(bytes)}</binary>";
}
