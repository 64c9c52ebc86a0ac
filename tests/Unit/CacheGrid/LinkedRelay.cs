using System.Collections.Concurrent;
using GlobalCache.Client;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Assets;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>The relay joined to a cache grid: the relay's clock is the test's, the link's is the real one.</summary>
internal sealed class LinkedRelay : IAsyncDisposable
{
    private LinkedRelay(RelayHost host, CacheGridLink link, Said said) => (Host, Link, Log) = (host, link, said);

    public RelayHost Host { get; }

    public CacheGridLink Link { get; }

    public Said Log { get; }

    public static async Task<LinkedRelay> StartAsync(GridFile file, string configFolder, bool session = true, double checks = 0, TimeProvider? time = null, TimeSpan claimWithin = default,
        Func<AssetStore, Task>? prepare = null)
    {
        var said = new Said();
        CacheGridLink? link = null;
        var limits = new ClientLimits { ClaimWithin = claimWithin, SpotCheckShare = checks };
        RelayHost host = await RelayHost.StartAsync(limits, async store =>
        {
            if (prepare is not null) await prepare(store);
            var options = new ClientOptions { Grid = file, Share = [TestNode.World, TestNode.OtherWorld], Invite = TestNode.Invite, ConfigFolder = configFolder, Limits = limits };
            return link = (await CacheGridLink.OpenAsync(options, store, new LocalKey(new byte[32]), time ?? TimeProvider.System, said))!;
        });
        link!.Start(host.Relay);
        if (session) await host.UntilAsync(() => link.Lookups.Ready);
        return new LinkedRelay(host, link, said);
    }

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();
}

/// <summary>What was logged at warning or above.</summary>
internal sealed class Said : ILogger
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) Lines.Enqueue(formatter(state, exception) + exception);
    }
}
