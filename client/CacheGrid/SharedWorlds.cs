using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.CacheGrid;

/// <summary>
/// The virtual worlds whose assets are shared: those the user has named with <c>--share</c>, while they are not switched off and their owners do not refuse. Whoever switches one off finds it so
/// after a restart: it is written down. Thread-safe.
/// </summary>
internal sealed class SharedWorlds
{
    private const int MaxBytes = 64 << 10;

    private readonly Lock _gate = new();
    private readonly string? _file;
    private readonly WorldOwners? _owners;
    private volatile FrozenSet<string> _on;
    private ImmutableSortedSet<string> _off = [];

    /// <param name="named">Ids of worlds, from the user alone.</param>
    /// <param name="file">Where it is written which of them are off; null: nowhere.</param>
    /// <param name="owners">What the worlds' owners say; null: nobody asks them.</param>
    public SharedWorlds(IEnumerable<string> named, string? file = null, WorldOwners? owners = null)
    {
        (Named, _file, _owners) = ([.. named.Distinct(StringComparer.Ordinal)], file, owners);
        if (file is not null) _off = Read(file).ToImmutableSortedSet(StringComparer.Ordinal);
        _on = On();
    }

    /// <summary>What the user has named, on or off.</summary>
    public IReadOnlyList<string> Named { get; }

    /// <summary>Whether anything of this world is asked of the cache grid, or told to it, now.</summary>
    public bool Contains(string world) => _on.Contains(world) && _owners?.Refuses(world) != true;

    /// <summary>Whether anything of it may be told to the cache grid now: not before its owner was asked.</summary>
    public bool MayTell(string world) => Contains(world) && _owners?.IsAsked(world) != false;

    /// <summary>Whether its user has it on, whatever its owner says.</summary>
    public bool IsOn(string world) => _on.Contains(world);

    /// <summary>Whether its owner refuses.</summary>
    public bool IsRefused(string world) => _owners?.Refuses(world) == true;

    /// <summary>A viewer is there, and something of it would be asked.</summary>
    public void Visit(string world) => _owners?.Visit(world);

    /// <summary>Switches one on or off. False: the user has not named it, or it cannot be written down, and all is as it was.</summary>
    public bool TrySwitch(string world, bool on)
    {
        if (!Named.Contains(world, StringComparer.Ordinal)) return false;
        lock (_gate)
        {
            ImmutableSortedSet<string> next = on ? _off.Remove(world) : _off.Add(world);
            try
            {
                if (_file is not null) AtomicFile.Write(_file, JsonSerializer.SerializeToUtf8Bytes(next.ToArray()));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
            _off = next;
            _on = On();
            return true;
        }
    }

    private FrozenSet<string> On() => Named.Where(w => !_off.Contains(w)).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Where the file cannot be read nobody knows what was switched off: everything is.</summary>
    private IEnumerable<string> Read(string file)
    {
        try
        {
            if (!File.Exists(file)) return [];
            return new FileInfo(file).Length <= MaxBytes && JsonSerializer.Deserialize<string?[]>(File.ReadAllBytes(file)) is { } off ? off.OfType<string>() : Named;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return Named;
        }
    }
}
