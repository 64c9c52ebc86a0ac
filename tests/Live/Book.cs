using System.Collections.Concurrent;
using System.Globalization;

namespace GlobalCache.Live;

/// <summary>A promise that was not kept, and when.</summary>
internal sealed record Broken(TimeSpan At, string Promise, string What);

/// <summary>Something lasted from then till then, or goes on.</summary>
internal sealed record Spell(string Kind, string Who, TimeSpan From)
{
    /// <summary>The end; the greatest of all while it goes on.</summary>
    public TimeSpan Until { get; set; } = TimeSpan.MaxValue;
}

/// <summary>What was promised, how often it was looked at, and what was seen otherwise. Used by all walkers at once.</summary>
internal sealed class Book(Clock clock)
{
    /// <summary>A viewer gets the asset's very bytes, or what its grid itself says.</summary>
    public const string RightBytes = nameof(RightBytes);

    /// <summary>No later than the grid would have answered it directly, and the hold.</summary>
    public const string InTime = nameof(InTime);

    /// <summary>A client that was killed is back within half a minute.</summary>
    public const string Restarts = nameof(Restarts);

    /// <summary>Who walks into another region arrives there, and who logs in is let in.</summary>
    public const string WalksOn = nameof(WalksOn);

    /// <summary>No process holds more memory than is written on it.</summary>
    public const string BoundedMemory = nameof(BoundedMemory);

    /// <summary>When all is well again, all nodes serve again.</summary>
    public const string Heals = nameof(Heals);

    /// <summary>Told to stop, everything does, and leaves neither process nor mount nor page behind.</summary>
    public const string EndsClean = nameof(EndsClean);

    /// <summary>So many broken promises are told one by one.</summary>
    private const int Told = 50;

    private readonly ConcurrentDictionary<string, long> _looked = new(StringComparer.Ordinal), _outcomes = new(StringComparer.Ordinal), _struck = new(StringComparer.Ordinal);
    private readonly List<Spell> _spells = [];
    private readonly List<Broken> _broken = [];

    public IReadOnlyDictionary<string, long> Looked => _looked;

    public IReadOnlyDictionary<string, long> Outcomes => _outcomes;

    /// <summary>Faults so far, by kind.</summary>
    public IReadOnlyDictionary<string, long> Struck => _struck;

    /// <summary>How much longer than directly a request took, where nothing of its own way was in trouble.</summary>
    public Delays OverDirect { get; } = new();

    /// <summary>How long requests took in all.</summary>
    public Delays InAll { get; } = new();

    public long BrokenCount { get; private set; }

    public IReadOnlyList<Broken> Broken
    {
        get
        {
            lock (_broken) return [.. _broken];
        }
    }

    public void Count(string outcome) => _outcomes.AddOrUpdate(outcome, 1, (_, n) => n + 1);

    public void Check(string promise, bool kept, FormattableString otherwise)
    {
        _looked.AddOrUpdate(promise, 1, (_, n) => n + 1);
        if (kept) return;
        lock (_broken)
        {
            BrokenCount++;
            if (_broken.Count < Told) _broken.Add(new Broken(clock.Now, promise, otherwise.ToString(CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>Something begins that may be felt.</summary>
    public Spell Begin(string kind, string who)
    {
        _struck.AddOrUpdate(kind, 1, (_, n) => n + 1);
        var spell = new Spell(kind, who, clock.Now);
        lock (_spells) _spells.Add(spell);
        return spell;
    }

    /// <summary>What concerns this one is counted apart from now on, for so long, though nothing has struck it.</summary>
    public void Excuse(string kind, string who, TimeSpan span)
    {
        lock (_spells) _spells.Add(new Spell(kind, who, clock.Now) { Until = clock.Now + span });
    }

    /// <summary>It is over, though it may be felt for a moment yet.</summary>
    public void End(Spell spell, TimeSpan felt)
    {
        lock (_spells) spell.Until = clock.Now + felt;
    }

    /// <summary>Whether something was wrong with one of these at any time between two.</summary>
    public bool Troubled(TimeSpan from, TimeSpan until, params ReadOnlySpan<string> who)
    {
        lock (_spells)
        {
            foreach (Spell spell in _spells)
            {
                if (spell.From <= until && spell.Until >= from && who.Contains(spell.Who)) return true;
            }
            return false;
        }
    }

    /// <summary>Every trouble that began in the minutes before one of these moments, for a report.</summary>
    public IReadOnlyList<Spell> Before(IReadOnlyCollection<TimeSpan> moments)
    {
        lock (_spells) return [.. _spells.Where(s => moments.Any(m => s.From <= m && s.From >= m - TimeSpan.FromMinutes(2)))];
    }

    /// <summary>What went on at a moment, for a report.</summary>
    public string At(TimeSpan moment)
    {
        lock (_spells) return string.Join(", ", _spells.Where(s => s.From <= moment && s.Until >= moment - TimeSpan.FromSeconds(3)).Select(s => $"{s.Kind} of {s.Who}"));
    }
}
