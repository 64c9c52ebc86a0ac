using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace GlobalCache.TestGrid;

/// <summary>What is wrong with the answers about one asset, or about all (PROTOCOL §3.5–3.6 say what a client has to make of it).</summary>
public sealed record AssetFault
{
    /// <summary>Before the first byte.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Answered instead, with an empty body.</summary>
    public int? Status { get; init; }

    /// <summary>Sent along with <see cref="Status"/>.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>The connection is reset after so many bytes of the body.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Content-Length is wrong by this much. Above 0 the connection closes early; below, the body ends early.</summary>
    public int LengthLie { get; init; }

    /// <summary>The total in Content-Range is wrong by this much.</summary>
    public int TotalLie { get; init; }

    /// <summary>A header that does not belong there, such as the CDN's <c>binary/octet-stream</c>.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>Sent in place of the asset, with its own length.</summary>
    public byte[]? Body { get; init; }

    /// <summary>Whatever the range, the whole asset comes with 200.</summary>
    public bool IgnoresRange { get; init; }

    /// <summary>After so many faulty answers all is well; null: never.</summary>
    public int? Times { get; init; }
}

/// <summary>The faults a stand-in grid shows on demand. Everything may be changed while it runs.</summary>
public sealed class GridFaults
{
    private readonly ConcurrentDictionary<Guid, (AssetFault Fault, int Used)> byAsset = new();
    private (AssetFault Fault, int Used)? all;

    /// <summary>Share of datagrams lost in each direction, 0 – 1.</summary>
    public double PacketLoss { get; set; }

    /// <summary>Regions neither hear nor answer.</summary>
    public bool Silent { get; set; }

    /// <summary>LogoutRequest is not answered, as in four of nine recordings.</summary>
    public bool IgnoresLogout { get; set; }

    /// <summary>Event polls end with this status at once.</summary>
    public int? EventQueueStatus { get; set; }

    /// <summary>So many coming event polls have their connection reset.</summary>
    public int EventQueueResets { get; set; }

    /// <summary>So many coming seed requests are told to come again (503, Retry-After 30).</summary>
    public int SeedsRefused { get; set; }

    /// <summary>Before SimulatorFeatures is answered.</summary>
    public TimeSpan FeaturesLatency { get; set; }

    /// <summary>SimulatorFeatures names no grid.</summary>
    public bool HidesGridUrl { get; set; }

    /// <summary>Sets the fault of one asset; null takes it away.</summary>
    public void Set(Guid asset, AssetFault? fault)
    {
        if (fault is null) byAsset.TryRemove(asset, out _);
        else byAsset[asset] = (fault, 0);
    }

    /// <summary>Sets the fault of all assets that have none of their own; null takes it away.</summary>
    public void SetAll(AssetFault? fault) => all = fault is null ? null : (fault, 0);

    internal AssetFault? For(Guid asset)
    {
        lock (byAsset)
        {
            if (byAsset.TryGetValue(asset, out (AssetFault Fault, int Used) own))
            {
                byAsset[asset] = (own.Fault, own.Used + 1);
                return own.Used < (own.Fault.Times ?? int.MaxValue) ? own.Fault : null;
            }

            if (all is not { } general) return null;
            all = (general.Fault, general.Used + 1);
            return general.Used < (general.Fault.Times ?? int.MaxValue) ? general.Fault : null;
        }
    }

    internal bool Loses() => PacketLoss > 0 && RandomNumberGenerator.GetInt32(1_000_000) < PacketLoss * 1_000_000;

    internal bool TakeEventQueueReset() => EventQueueResets > 0 && EventQueueResets-- > 0;

    internal bool TakeSeedRefusal() => SeedsRefused > 0 && SeedsRefused-- > 0;
}
