using System.Collections.Concurrent;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// The client's assets as one region's circuit sees them. Everything here is decided in memory: reads and captures go on elsewhere
/// (<see cref="UdpShelf"/>), after the circuit's lock has been left.
/// </summary>
/// <param name="shelf">What all circuits share.</param>
/// <param name="session">Whose circuit it is.</param>
/// <param name="region">The region, once something of it was mapped.</param>
/// <param name="wake">Ticks the circuit soon, from any thread.</param>
internal sealed class RegionAssets(UdpShelf shelf, Session session, Func<Region?> region, Action wake) : IUdpAssets
{
    private readonly ConcurrentQueue<Guid> _questions = new();
    private readonly EarlyHints _early = new(shelf.Prefetch.Hint);
    private readonly RegionSender _sender = new(Reach.SystemAsync);

    public Session Session { get; } = session;

    /// <summary>Null before anything of it was mapped.</summary>
    public Region? Region => field ??= region();

    /// <summary>Under which name the sim's bytes are claimed.</summary>
    public Task<string> SenderAsync(CancellationToken stop) => _sender.OfAsync(Region!, stop);

    public bool WantsHints => shelf.Prefetch.IsOn;

    public AssetRead? TryRead(AssetType type, Guid id, Action done)
    {
        if (shelf.IsExcluded(type, id) || GridId() is not { } gridId)
        {
            return null;
        }

        return shelf.TryRead(new AssetKey(gridId, type, id), done, this);
    }

    public bool IsExcluded(Guid texture) => texture == Guid.Empty || shelf.IsExcluded(AssetType.Texture, texture);

    public void Captured(AssetType type, Guid id, byte[] bytes)
    {
        GridId();
        shelf.Take(this, type, id, bytes, held: null);
    }

    public void CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held)
    {
        GridId();
        shelf.Take(this, type, id, bytes, held);
    }

    public void Hint(AssetType type, Guid id)
    {
        if (Region is not { } here || !shelf.Prefetch.IsOn)
        {
            return;
        }

        if (GridId() is { } gridId)
        {
            shelf.Prefetch.Hint(new AssetKey(gridId, type, id));
        }
        else
        {
            _early.Add(here.GridId, type, id);
        }
    }

    public bool TryTakeQuestion(out Guid texture) => _questions.TryDequeue(out texture);

    /// <summary>Has the sim asked for a texture on the client's own behalf.</summary>
    public void Ask(Guid texture)
    {
        _questions.Enqueue(texture);
        wake();
    }

    /// <summary>Null: not known yet. It will be, even if the viewer never asks for its capabilities.</summary>
    private string? GridId()
    {
        if (Region is not { } here)
        {
            return null;
        }

        if (here.GridId.IsCompletedSuccessfully)
        {
            return here.GridId.Result;
        }

        shelf.ExpectGrid(Session, here);
        return null;
    }
}
