using System.Collections.Frozen;
using System.Text.Json;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.CacheGrid;

/// <summary>
/// Which worlds' owners refuse that their assets are shared (ADR 29). A world is asked when a viewer is there, again every day, and soon when it could not be asked.
/// A refusal holds until the owner says otherwise, over restarts too; who cannot be asked and has never refused is taken to have nothing against it. Thread-safe.
/// </summary>
/// <param name="worlds">Those the user shares.</param>
/// <param name="file">Where refusals are written down; null: nowhere.</param>
internal sealed class WorldOwners(IEnumerable<string> worlds, string? file = null)
{
    private const int MaxBytes = 64 << 10;

    /// <summary>An owner's word is good for so long.</summary>
    private static readonly TimeSpan s_good = TimeSpan.FromHours(24);

    /// <summary>One that could not be asked is asked again after this.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromMinutes(10);

    private readonly FrozenDictionary<string, World> _worlds = Read(worlds, file);
    private readonly Lock _writing = new();

    private sealed class World
    {
        public volatile bool Visited, Refuses, Asked;

        /// <summary>Ticks of the monotonic clock: not asked before.</summary>
        public long Next = long.MinValue;
    }

    /// <summary>A viewer is there.</summary>
    public void Visit(string world)
    {
        if (_worlds.TryGetValue(world, out World? known)) known.Visited = true;
    }

    /// <summary>Nothing of this world is to be asked of a cache grid, or told to one.</summary>
    public bool Refuses(string world) => _worlds.TryGetValue(world, out World? known) && known.Refuses;

    /// <summary>Its owner has been asked since the client was started, whatever came of it.</summary>
    public bool IsAsked(string world) => !_worlds.TryGetValue(world, out World? known) || known.Asked;

    /// <summary>Who is to be asked now.</summary>
    /// <param name="now">The monotonic clock.</param>
    public string[] Due(TimeSpan now) => [.. _worlds.Where(w => w.Value.Visited && now.Ticks >= w.Value.Next).Select(w => w.Key)];

    /// <summary>What an owner has said. False: a change cannot be written down; it holds all the same while the client runs.</summary>
    public bool Heard(string world, bool refuses, TimeSpan now)
    {
        World known = _worlds[world];
        bool changed = known.Refuses != refuses;
        (known.Refuses, known.Next, known.Asked) = (refuses, (now + s_good).Ticks, true);
        return !changed || TryWrite();
    }

    /// <summary>It could not be asked: what it has said last holds.</summary>
    public void Unheard(string world, TimeSpan now)
    {
        World known = _worlds[world];
        (known.Next, known.Asked) = ((now + s_again).Ticks, true);
    }

    private bool TryWrite()
    {
        if (file is null) return true;
        lock (_writing)
        {
            try
            {
                AtomicFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(_worlds.Where(w => w.Value.Refuses).Select(w => w.Key).Order(StringComparer.Ordinal).ToArray()));
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    private static FrozenDictionary<string, World> Read(IEnumerable<string> worlds, string? file)
    {
        HashSet<string> refused = new(StringComparer.Ordinal);
        try
        {
            if (file is not null && File.Exists(file) && new FileInfo(file).Length <= MaxBytes)
                refused.UnionWith((JsonSerializer.Deserialize<string?[]>(File.ReadAllBytes(file)) ?? []).OfType<string>());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            // They are asked when a viewer is there, before anything of theirs is told.
        }
        return worlds.Distinct(StringComparer.Ordinal).ToFrozenDictionary(
            w => w,
            // Second Life has no such document; what it allows is in its policy, which the user has read (PROTOCOL §9).
            w => new World { Refuses = refused.Contains(w), Asked = w == GridId.SecondLife, Next = w == GridId.SecondLife ? long.MaxValue : long.MinValue },
            StringComparer.Ordinal);
    }
}
