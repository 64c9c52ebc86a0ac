using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Figures;

/// <summary>Whose request it was, as far as figures go.</summary>
/// <param name="Scope">A session, or one object for each way in that has none; compared by reference.</param>
/// <param name="Place">The region its viewer is in; null: nobody knows, and a visit ends when there was nothing for a while.</param>
/// <param name="World">The virtual world; null: it has not told yet.</param>
internal readonly record struct Visitor(object Scope, object? Place, string? World);

/// <summary>
/// What viewers got, from where, and what that has saved them. Sums outlive the process; visits and the last requests are this process's. Thread-safe; nothing is kept of
/// which asset it was. Every call is given the time, so a whole evening can be told in a test.
/// </summary>
internal sealed class ClientFigures
{
    /// <summary>Visits that are told of.</summary>
    public const int MostVisits = 20;

    /// <summary>Requests that are told of.</summary>
    public const int MostRecent = 100;

    /// <summary>Viewers and ways in whose visits go on at the same time.</summary>
    private const int MostScopes = 32;

    /// <summary>A visit without a request for so long is over where nobody tells when it ends.</summary>
    private static readonly TimeSpan s_quiet = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<object, Stay> _stays = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, OriginMeter> _meters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OriginPace> _paces;
    private readonly LinkedList<VisitStatus> _over = [];
    private readonly (DateTimeOffset At, Served What)[] _recent = new (DateTimeOffset, Served)[MostRecent];
    private readonly long[] _requests, _bytes, _requestsToday, _bytesToday;
    private double _saved, _savedToday;
    private long _number;
    private DateOnly _day;
    private bool _changed;

    private sealed class Stay(Visit visit, object? place)
    {
        private long _replayedAt = -1;
        private SavedTime _replayed;

        public Visit Visit { get; } = visit;

        public object? Place { get; } = place;

        public DateTimeOffset Last { get; set; } = visit.Began;

        /// <summary>Replayed once for every change.</summary>
        public SavedTime Saved(OriginPace? pace)
        {
            if (_replayedAt == Visit.Requests && (_replayed.WouldHaveWaited is not null || pace is null)) return _replayed;
            _replayedAt = Visit.Requests;
            return _replayed = Visit.Replay(pace);
        }
    }

    /// <param name="before">What is known of the time before.</param>
    public ClientFigures(KeptFigures? before = null)
    {
        before ??= new KeptFigures();
        (_requests, _bytes) = ([.. before.All.Requests], [.. before.All.Bytes]);
        (_requestsToday, _bytesToday) = ([.. before.Today.Requests], [.. before.Today.Bytes]);
        (_saved, _savedToday, _day) = (before.SavedSeconds, before.SavedSecondsToday, before.Day);
        _paces = new Dictionary<string, OriginPace>(before.Paces, StringComparer.Ordinal);
    }

    /// <summary>A viewer has got something.</summary>
    public void Add(in Visitor visitor, in Served served, DateTimeOffset now)
    {
        lock (_gate)
        {
            Turn(now);
            int from = (int)served.From;
            (_requests[from], _bytes[from], _requestsToday[from], _bytesToday[from]) =
                (_requests[from] + 1, _bytes[from] + served.Bytes, _requestsToday[from] + 1, _bytesToday[from] + served.Bytes);
            _recent[_number++ % MostRecent] = (now, served);
            Stay stay = StayOf(visitor, now - served.Took);
            stay.Visit.Add(served, now - stay.Visit.Began);
            stay.Last = now;
            _changed = true;
        }
    }

    /// <summary>A grid has answered a viewer's request itself.</summary>
    public void Measured(string world, TimeSpan firstByte, TimeSpan rest, long bytes)
    {
        lock (_gate)
        {
            if (!_meters.TryGetValue(world, out OriginMeter? meter))
            {
                if (_meters.Count >= KeptFigures.MostPaces) return;
                _meters[world] = meter = new OriginMeter();
            }
            meter.Add(firstByte, rest, bytes);
            if (meter.Pace is not { } pace || (!_paces.ContainsKey(world) && _paces.Count >= KeptFigures.MostPaces)) return;
            _paces[world] = pace;
            _changed = true;
        }
    }

    /// <summary>All visits are over: the client ends.</summary>
    public void Close(DateTimeOffset now)
    {
        lock (_gate)
        {
            Turn(now);
            foreach (object scope in _stays.Keys.ToArray()) End(scope);
        }
    }

    /// <summary>What is to be kept; null: nothing has changed since it was asked for last.</summary>
    public KeptFigures? Changed(DateTimeOffset now)
    {
        lock (_gate)
        {
            Turn(now);
            if (!_changed) return null;
            _changed = false;
            return new KeptFigures
            {
                All = new Tally([.. _requests], [.. _bytes]),
                Today = new Tally([.. _requestsToday], [.. _bytesToday]),
                Day = _day,
                SavedSeconds = _saved,
                SavedSecondsToday = _savedToday,
                Paces = new Dictionary<string, OriginPace>(_paces, StringComparer.Ordinal),
            };
        }
    }

    /// <summary>Fills in what is known here.</summary>
    public ClientStatus Tell(ClientStatus into, DateTimeOffset now)
    {
        lock (_gate)
        {
            Turn(now);
            foreach ((object scope, Stay stay) in _stays.ToArray())
                if (now - stay.Last > s_quiet) End(scope);
            VisitStatus[] running = [.. _stays.Values.Where(s => s.Visit.Requests > 0).Select(Shown).OrderByDescending(v => v.Began)];
            double saved = running.Sum(v => v.SavedSeconds ?? 0);
            bool isKnown = _paces.Count > 0;
            return into with
            {
                Today = ServedStatus.Of(new Tally(_requestsToday, _bytesToday), isKnown ? _savedToday + saved : null),
                All = ServedStatus.Of(new Tally(_requests, _bytes), isKnown ? _saved + saved : null),
                Visits = [.. running.Concat(_over).Take(MostVisits)],
                Recent = [.. Enumerable.Range(0, (int)Math.Min(_number, MostRecent)).Select(i => Shown(_number - i))],
            };
        }
    }

    /// <summary>At midnight today begins anew.</summary>
    private void Turn(DateTimeOffset now)
    {
        var day = DateOnly.FromDateTime(now.DateTime);
        if (day == _day) return;
        _day = day;
        _savedToday = 0;
        Array.Clear(_requestsToday);
        Array.Clear(_bytesToday);
        _changed = true;
    }

    private Stay StayOf(in Visitor visitor, DateTimeOffset began)
    {
        if (_stays.TryGetValue(visitor.Scope, out Stay? stay))
        {
            bool isSame = stay.Place == visitor.Place && began - stay.Last <= s_quiet && (visitor.World is null || stay.Visit.World.Length == 0 || stay.Visit.World == visitor.World);
            if (isSame) return stay;
            End(visitor.Scope);
        }
        if (_stays.Count >= MostScopes) End(_stays.MinBy(s => s.Value.Last).Key);
        return _stays[visitor.Scope] = new Stay(new Visit(visitor.World ?? "", began), visitor.Place);
    }

    private void End(object scope)
    {
        if (!_stays.Remove(scope, out Stay? stay) || stay.Visit.Requests == 0) return;
        VisitStatus shown = Shown(stay);
        (_saved, _savedToday, _changed) = (_saved + (shown.SavedSeconds ?? 0), _savedToday + (shown.SavedSeconds ?? 0), true);
        _over.AddFirst(shown);
        if (_over.Count > MostVisits) _over.RemoveLast();
    }

    private VisitStatus Shown(Stay stay)
    {
        SavedTime time = stay.Saved(_paces.TryGetValue(stay.Visit.World, out OriginPace pace) ? pace : null);
        return new VisitStatus(stay.Visit.World, stay.Visit.Began, stay.Visit.Requests, stay.Visit.SavedBytes, Round(time.Waited)!.Value, Round(time.Saved));
    }

    private RecentStatus Shown(long number)
    {
        (DateTimeOffset at, Served what) = _recent[(number - 1) % MostRecent];
        return new RecentStatus(number, at, Word(what.From), what.Type.Name(), what.Bytes, Math.Round(what.Took.TotalMilliseconds, 1));
    }

    private static double? Round(TimeSpan? time) => time is { } known ? Math.Round(known.TotalSeconds, 2) : null;

    private static string Word(ServedFrom from) => from switch
    {
        ServedFrom.Hit => "hit",
        ServedFrom.Shared => "shared",
        ServedFrom.Miss => "miss",
        ServedFrom.Injected => "injected",
        _ => "captured",
    };
}
