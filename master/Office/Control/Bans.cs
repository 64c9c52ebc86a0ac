using GlobalCache.Office.Keys;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Office.Control;

/// <summary>Assets the owner of the grid wants gone: neither claimed, stored nor served, whatever is agreed on. Kept by object name, so that the list tells nothing. Immutable.</summary>
internal sealed class Bans
{
    private readonly HashSet<string> _names;

    private Bans(HashSet<string> names) => _names = names;

    public static Bans None { get; } = new([]);

    public static Bans Of(GridKeys keys, IEnumerable<AssetKey> banned) => new([.. banned.Select(keys.NameOf)]);

    /// <summary>By object names, as the control document lists them.</summary>
    public static Bans OfNames(IEnumerable<string> names) => new([.. names]);

    /// <summary>Their object names.</summary>
    public IReadOnlyCollection<string> Names => _names;

    public bool Contains(string name) => _names.Contains(name);
}
