using System.Net;
using GlobalCache.Client.Sessions;

namespace GlobalCache.Client.Caps;

/// <summary>
/// An event queue's answer. Four events carry addresses of regions (PROTOCOL §4.2): those are replaced where they stand, everything else
/// is left byte for byte. Each sim's port is bound before the viewer can learn of it, because <see cref="IRegionDirectory.MapSim"/>
/// returns no earlier.
/// </summary>
internal static class EventQueueReply
{
    /// <param name="Body">The patched reply; the original where there was nothing to patch.</param>
    /// <param name="Id">The reply's number; null when it lacks one or has no events: such a reply is no answer to keep for a repeat.</param>
    /// <param name="Unmapped">Addresses left as they were, being of a kind not known or beyond the session's limit.</param>
    internal readonly record struct Patched(ReadOnlyMemory<byte> Body, long? Id, int Unmapped);

    /// <summary>From the root: events, one event, its body, its list of regions, one region, its fields.</summary>
    private const int Depth = 6;

    /// <summary>Null when the body is no LLSD map.</summary>
    public static Patched? Patch(ReadOnlyMemory<byte> body, IRegionDirectory directory)
    {
        if (ReplyDocument.TryRead(body, Depth) is not { Notation: not Notation.XmlRpc, Root.Kind: ValueKind.Map } document) return null;
        Value? events = document.Find(document.Root, "events"u8);
        long? id = document.Integer(document.Find(document.Root, "id"u8));
        if (events is not { Kind: ValueKind.Array } list) return new Patched(body, null, 0);

        var patches = new PatchList();
        int unmapped = 0;
        foreach (Value entry in document.Children(list))
        {
            if (document.Find(entry, "body"u8) is not { } content) continue;
            (Value Info, Fields Names)[] regions = document.Text(document.Find(entry, "message"u8)) switch
            {
                "EnableSimulator" => Regions(document, content, "SimulatorInfo"u8, Fields.EnableSimulator),
                "TeleportFinish" => Regions(document, content, "Info"u8, Fields.Arrival),
                "CrossedRegion" => Regions(document, content, "RegionData"u8, Fields.Arrival),
                "EstablishAgentCommunication" => [(content, Fields.Establish)],
                _ => [],
            };
            foreach ((Value info, Fields names) in regions)
            {
                if (names == Fields.Establish ? !PatchJoined(document, info, directory, patches)
                    : !PatchSplit(document, info, names == Fields.Arrival, directory, patches)) unmapped++;
            }
        }
        return new Patched(patches.Count == 0 ? body : patches.Apply(body.Span), id, unmapped);
    }

    /// <summary>Which names the address goes by.</summary>
    private enum Fields
    {
        /// <summary><c>IP</c>, <c>Port</c>.</summary>
        EnableSimulator,

        /// <summary><c>SimIP</c>, <c>SimPort</c>, <c>SeedCapability</c>.</summary>
        Arrival,

        /// <summary><c>sim-ip-and-port</c> in one string, <c>seed-capability</c>.</summary>
        Establish,
    }

    private static (Value, Fields)[] Regions(ReplyDocument document, Value body, ReadOnlySpan<byte> list, Fields names) =>
        document.Find(body, list) is { } regions ? [.. document.Children(regions).Select(r => (r, names))] : [];

    /// <summary>Address as four octets and a port. All of a region's values are replaced, or none.</summary>
    private static bool PatchSplit(ReplyDocument document, Value info, bool arrival, IRegionDirectory directory, PatchList patches)
    {
        Value? ip = document.Find(info, arrival ? "SimIP"u8 : "IP"u8), port = document.Find(info, arrival ? "SimPort"u8 : "Port"u8);
        Span<byte> octets = stackalloc byte[4];
        if (!document.TryBinary(ip, octets) || document.Integer(port) is not (> 0 and <= 65535 and var number)) return false;
        var sim = new IPEndPoint(new IPAddress(octets), (int)number);
        if (directory.MapSim(sim) is not { } mapped) return false;
        mapped.Address.TryWriteBytes(octets, out _);
        document.PatchBinary(patches, ip!.Value, octets);
        document.PatchInteger(patches, port!.Value, mapped.Port);
        if (arrival) PatchSeed(document, document.Find(info, "SeedCapability"u8), sim, directory, patches);
        return true;
    }

    private static bool PatchJoined(ReplyDocument document, Value info, IRegionDirectory directory, PatchList patches)
    {
        Value? address = document.Find(info, "sim-ip-and-port"u8);
        if (document.Text(address)?.Trim().Split(':') is not { Length: 2 } parts
            || LoginReply.Endpoint(parts[0], long.TryParse(parts[1], out long port) ? port : null) is not { } sim
            || directory.MapSim(sim) is not { } mapped) return false;
        document.PatchText(patches, address!.Value, mapped.ToString());
        PatchSeed(document, document.Find(info, "seed-capability"u8), sim, directory, patches);
        return true;
    }

    private static void PatchSeed(ReplyDocument document, Value? seed, IPEndPoint sim, IRegionDirectory directory, PatchList patches)
    {
        string? real = document.Text(seed)?.Trim();
        if (LoginReply.IsWebUrl(real) && directory.MapSeed(real!, sim) is { } url) document.PatchText(patches, seed!.Value, url);
    }
}
