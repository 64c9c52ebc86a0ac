using GlobalCache.Node.Stores;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Node;

/// <summary>The store in a bucket keeps the contract, on a real S3 server that is not AWS.</summary>
[Collection("load")]
public sealed class S3StoreTests : ObjectStoreContract, IClassFixture<RadosGateway>, IDisposable
{
    private readonly S3Store _store;

    public S3StoreTests(RadosGateway gateway)
    {
        if (gateway.Missing is { } reason) Needs.That(false, reason);
        _store = gateway.Store();
    }

    internal override IObjectStore Store => _store;

    public void Dispose() => _store?.Dispose();
}
