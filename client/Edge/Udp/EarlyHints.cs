using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Hints that come before the region has said which grid it belongs to. That is most of them: a region tells of what stands in it as soon as somebody arrives, and of
/// its grid only when it is asked. They wait, each once and no more than <see cref="Most"/>. Thread-safe; nothing here takes long.
/// </summary>
/// <param name="hint">Takes them, elsewhere than where they were added.</param>
internal sealed class EarlyHints(Action<AssetKey> hint)
{
    /// <summary>Hints kept: more than a busy region's textures.</summary>
    public const int Most = 4096;

    private readonly Lock _gate = new();
    private HashSet<(AssetType, Guid)>? _waiting;

    /// <summary>Passes the hint on once <paramref name="grid"/> is known.</summary>
    public void Add(Task<string> grid, AssetType type, Guid id)
    {
        lock (_gate)
        {
            if (_waiting is null)
            {
                _waiting = [];
                _ = grid.ContinueWith(known => PassOn(known.Result), CancellationToken.None, TaskContinuationOptions.RunContinuationsAsynchronously, TaskScheduler.Default);
            }

            if (_waiting.Count < Most)
            {
                _waiting.Add((type, id));
            }
        }
    }

    private void PassOn(string gridId)
    {
        HashSet<(AssetType, Guid)> waiting;
        lock (_gate)
        {
            waiting = _waiting!;
            _waiting = null;
        }

        foreach ((AssetType type, Guid id) in waiting)
        {
            hint(new AssetKey(gridId, type, id));
        }
    }
}
