using System.Collections.Concurrent;
using System.Text.Json;

namespace GlobalCache.TestGrid;

/// <summary>
/// What the grid was asked and what it sent. "The warm run asked the grid for no asset" is a statement about these numbers.
/// Also served as JSON at <c>/counters</c>.
/// </summary>
public sealed class GridCounters
{
    private long httpRequests, httpBytes, httpConnections, udpImages, imagePackets, transfers, transferPackets, udpBytes, logins, polls, seeds;
    private readonly ConcurrentDictionary<Guid, long> byAsset = new();

    /// <summary>Asset requests over HTTP, HEAD and failures included.</summary>
    public long HttpAssetRequests => Interlocked.Read(ref httpRequests);

    /// <summary>Asset body bytes handed to HTTP connections.</summary>
    public long HttpAssetBytes => Interlocked.Read(ref httpBytes);

    /// <summary>HTTP connections accepted, of any kind.</summary>
    public long HttpConnections => Interlocked.Read(ref httpConnections);

    /// <summary>RequestImage blocks that asked for something (no cancels).</summary>
    public long ImageRequests => Interlocked.Read(ref udpImages);

    /// <summary>ImageData and ImagePacket messages sent, resends not counted.</summary>
    public long ImagePackets => Interlocked.Read(ref imagePackets);

    /// <summary>TransferRequests for assets.</summary>
    public long TransferRequests => Interlocked.Read(ref transfers);

    /// <summary>TransferPackets sent, resends not counted.</summary>
    public long TransferPackets => Interlocked.Read(ref transferPackets);

    /// <summary>Asset bytes sent by UDP.</summary>
    public long UdpAssetBytes => Interlocked.Read(ref udpBytes);

    /// <summary>Asset requests of all protocols.</summary>
    public long AssetRequests => HttpAssetRequests + ImageRequests + TransferRequests;

    /// <summary>Login attempts.</summary>
    public long Logins => Interlocked.Read(ref logins);

    /// <summary>Event polls.</summary>
    public long EventPolls => Interlocked.Read(ref polls);

    /// <summary>Seed requests.</summary>
    public long SeedRequests => Interlocked.Read(ref seeds);

    /// <summary>How often one asset was asked for, over any protocol.</summary>
    public long RequestsFor(Guid id) => byAsset.GetValueOrDefault(id);

    /// <summary>All of it as one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["assetRequests"] = AssetRequests,
        ["httpAssetRequests"] = HttpAssetRequests,
        ["httpAssetBytes"] = HttpAssetBytes,
        ["httpConnections"] = HttpConnections,
        ["imageRequests"] = ImageRequests,
        ["imagePackets"] = ImagePackets,
        ["transferRequests"] = TransferRequests,
        ["transferPackets"] = TransferPackets,
        ["udpAssetBytes"] = UdpAssetBytes,
        ["logins"] = Logins,
        ["eventPolls"] = EventPolls,
        ["seedRequests"] = SeedRequests,
        ["byAsset"] = byAsset.ToDictionary(a => a.Key.ToString("D"), a => a.Value),
    });

    internal void HttpAsset(Guid? id)
    {
        Interlocked.Increment(ref httpRequests);
        if (id is { } asset) Asked(asset);
    }

    internal void HttpBytes(long count) => Interlocked.Add(ref httpBytes, count);

    internal void HttpConnection() => Interlocked.Increment(ref httpConnections);

    internal void Image(Guid id)
    {
        Interlocked.Increment(ref udpImages);
        Asked(id);
    }

    internal void ImagePacket(int bytes)
    {
        Interlocked.Increment(ref imagePackets);
        Interlocked.Add(ref udpBytes, bytes);
    }

    internal void Transfer(Guid id)
    {
        Interlocked.Increment(ref transfers);
        Asked(id);
    }

    internal void TransferPacket(int bytes)
    {
        Interlocked.Increment(ref transferPackets);
        Interlocked.Add(ref udpBytes, bytes);
    }

    internal void Login() => Interlocked.Increment(ref logins);

    internal void Poll() => Interlocked.Increment(ref polls);

    internal void Seed() => Interlocked.Increment(ref seeds);

    private void Asked(Guid id) => byAsset.AddOrUpdate(id, 1, (_, n) => n + 1);
}
