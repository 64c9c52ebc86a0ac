using GlobalCache.Client;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Assets;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>The relay joined to a cache grid: the relay's clock is the test's, the link's is the real one.</summary>
internal sealed class LinkedRelay : IAsyncDisposable
{
    private LinkedRelay(RelayHost host, CacheGridLink link, WatchedLog said) => (Host, Link, Log) = (host, link, said);

    public RelayHost Host { get; }

    public CacheGridLink Link { get; }

    public WatchedLog Log { get; }

    public static async Task<LinkedRelay> StartAsync(GridFile file, string configFolder, bool session = true, double checks = 0, TimeProvider? time = null, TimeSpan claimWithin = default,
        Func<AssetStore, Task>? prepare = null, HttpMessageHandler? worlds = null)
    {
        var said = new WatchedLog(LogLevel.Warning);
        CacheGridLink? link = null;
        var limits = new ClientLimits { ClaimWithin = claimWithin, SpotCheckShare = checks };
        RelayHost host = await RelayHost.StartAsync(limits, async store =>
        {
            if (prepare is not null) await prepare(store);
            var options = new ClientOptions { Grid = file, Share = [TestNode.World, TestNode.OtherWorld], Invite = TestNode.Invite, ConfigFolder = configFolder, Limits = limits };
            return link = (await CacheGridLink.OpenAsync(options, store, new LocalKey(new byte[32]), time ?? TimeProvider.System, said, worlds is null ? null : new HttpMessageInvoker(worlds)))!;
        });
        link!.Start(host.Relay);
        if (session) await host.UntilAsync(() => link.Lookups.Ready);
        return new LinkedRelay(host, link, said);
    }

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();
}
