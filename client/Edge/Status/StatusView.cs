using GlobalCache.Client.Assets;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Edge;

/// <summary>What the owner's page shows, gathered from the parts that know it.</summary>
internal sealed class StatusView(
    ClientFigures figures, AssetStore store, AssetRelay relay, Prefetch prefetch, CacheGridLink? grid, Func<int> viewers, TimeProvider time)
{
    private readonly DateTimeOffset _since = time.GetLocalNow();

    public ClientStatus Now()
    {
        DateTimeOffset now = time.GetLocalNow();
        return figures.Tell(new ClientStatus
        {
            Version = ClientApp.Version,
            Now = now,
            Since = _since,
            Viewers = viewers(),
            Store = new StoreStatus(store.Count, store.BytesOnDisk, store.Budget),
            Grid = grid?.Status(),
            Work =
            [
                new WorkStatus("assets being put together", relay.Assembling.Count),
                .. grid is null ? [] : (WorkStatus[])[new("assets to be fetched ahead", prefetch.Ahead), new("claims and uploads", grid.Claims.Waiting), new("disputes", grid.Disputes.Waiting)],
            ],
        }, now);
    }
}
