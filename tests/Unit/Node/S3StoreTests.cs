using GlobalCache.Office.Stores;

namespace GlobalCache.Tests.Node;

/// <summary>The store in a bucket keeps the contract, on a real S3 server that is not AWS.</summary>
[Collection("load")]
public sealed class S3StoreTests(RadosGateway gateway) : ObjectStoreContract, IAsyncLifetime
{
    private S3Store? _store;

    internal override IObjectStore Store => _store!;

    public async ValueTask InitializeAsync() => _store = await gateway.StoreAsync();

    public ValueTask DisposeAsync()
    {
        _store?.Dispose();
        return default;
    }
}
