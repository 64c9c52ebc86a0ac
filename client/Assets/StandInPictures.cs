using System.Security.Cryptography;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Assets;

/// <summary>
/// The “missing image” a grid sends under whatever UUID was asked for (PROTOCOL §7.4): perfectly valid pictures that would
/// poison a cache. They are told by their SHA-256; under their own UUID they are an asset like any other. Thread-safe.
/// </summary>
internal sealed class StandInPictures
{
    /// <summary>OpenSim's missing image; what a grid serves under this UUID is learnt as its stand-in.</summary>
    public static readonly Guid MissingImage = new("5748decc-f629-461c-9a36-a35a221fe21f");

    private const int MaxLearnt = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, TaskCompletionSource> _told = [];
    private readonly HashSet<string> _hashes = ["36AA308D38E1A843732B9E9482B80A62ABB7EFAC1C589415B4E38FF72656C55D"];

    /// <summary>Completes when this grid's stand-in picture is known, or known not to exist.</summary>
    public Task Known(string gridId)
    {
        lock (_gate) return Entry(gridId).Task;
    }

    /// <summary>It has been <see cref="Refuses">seen</see>, or the grid has none.</summary>
    public void Settle(string gridId)
    {
        lock (_gate) Entry(gridId).TrySetResult();
    }

    /// <summary>True: these bytes stand in for a picture the grid does not have, so they must not be kept under this UUID.</summary>
    public bool Refuses(AssetType type, Guid id, ReadOnlySpan<byte> bytes)
    {
        if (type != AssetType.Texture) return false;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        string name = Convert.ToHexString(hash);
        lock (_gate)
        {
            if (id != MissingImage) return _hashes.Contains(name);
            if (_hashes.Count < MaxLearnt) _hashes.Add(name);
            return false;
        }
    }

    private TaskCompletionSource Entry(string gridId)
    {
        if (_told.TryGetValue(gridId, out TaskCompletionSource? known)) return known;
        // A grid is known by its regions, whose number is bounded, but not over many sessions.
        if (_told.Count >= MaxLearnt) _told.Clear();
        return _told[gridId] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
