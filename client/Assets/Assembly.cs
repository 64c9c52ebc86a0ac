namespace GlobalCache.Client.Assets;

/// <summary>
/// One asset on its way here: the pieces held, the requests in flight and the viewers that wait for them. Every byte a viewer
/// gets on a miss has passed through here, so requests are joined by asking only for what is neither held nor in flight.
/// Bytes may come from anywhere that calls <see cref="Accept"/> and <see cref="Append"/>, or all at once by <see cref="TrySupply"/>.
/// </summary>
internal sealed class Assembly(AssemblyKey key, Question question, long born)
{
    /// <summary>A fetch nobody waits for is finished all the same when its body is shorter than this (PROTOCOL §3.6).</summary>
    private const int SmallBytes = 256 << 10;

    /// <summary>A remainder is fetched once; again only when a viewer came in between or the answer was shorter than asked.</summary>
    private const int MaxCompletions = 4;

    private readonly Lock _gate = new();
    private readonly Pieces _pieces = new();
    private readonly FetchPlan _plan = new();
    private readonly CacheQuestion _lookup = new();
    private readonly List<Fetch> _fetches = [];
    private readonly List<Reader> _readers = [];
    private TaskCompletionSource? _progress;
    private long _reserved, _surplus;
    private bool _closed, _broken, _keeping, _queued;
    private int _completions;
    private Provenance _from;

    public AssemblyKey Key { get; } = key;

    /// <summary>How the grid was asked first; the background asks in the same words.</summary>
    public Question Question { get; } = question;

    /// <summary>Timestamp of the first request.</summary>
    public long Born { get; } = born;

    /// <summary>The asset's length as every answer so far has stated it; -1 before the first.</summary>
    public long Total { get; private set; } = -1;

    /// <summary>Who sent its bytes, where one host sent them all; null: several did, or some came from the cache grid or by UDP, and nothing may be claimed of it.</summary>
    public string? Sender
    {
        get { lock (_gate) return _from.Only; }
    }

    /// <summary>The cache grid has given the whole of it.</summary>
    public bool IsSupplied { get; private set; }

    /// <inheritdoc cref="CacheQuestion.Asking"/>
    public Task? Lookup => _lookup.Asking;

    /// <summary>Asks the cache grid for the whole of it, once; <paramref name="ask"/> is stopped when nobody needs it any more, and must not fault.</summary>
    public void TryLookUp(Func<CancellationToken, Task> ask)
    {
        lock (_gate)
        {
            if (!_closed && !_keeping) _lookup.Begin(ask);
        }
    }

    /// <summary>
    /// The whole asset has come from the cache grid, checked, and the caller has reserved memory for it: what is asked of the origin ends. False: it came
    /// too late, or is not what the origin has begun to send, which then goes on as if nothing had been; the memory is the caller's again.
    /// </summary>
    public bool TrySupply(byte[] whole, out bool contradicts)
    {
        lock (_gate)
        {
            contradicts = false;
            if (_closed || _keeping) return false;
            contradicts = (Total >= 0 && Total != whole.Length) || !_pieces.Add(0, whole, 0, whole.Length);
            if (contradicts) return false;
            Total = whole.Length;
            IsSupplied = true;
            _from.Mixed();
            _reserved += whole.Length;
            foreach (Fetch fetch in _fetches.ToArray()) End(fetch, FetchEnd.Stopped);
            Pulse();
            return true;
        }
    }

    /// <summary>
    /// Adds a viewer's request, together with the fetches it needs, which the caller starts. The background's fetch of the same
    /// asset ends, its pieces stay: the viewer must not wait for a request that stands still. Null: closed, take a new assembly.
    /// </summary>
    public Reader? Join(ByteRange range, out List<Fetch> start)
    {
        lock (_gate)
        {
            start = [];
            if (_closed) return null;
            foreach (Fetch fetch in _fetches.FindAll(f => f.Owner is null)) End(fetch, FetchEnd.Stopped);
            Reader reader = new(range);
            _readers.Add(reader);
            Demand(reader, start);
            return reader;
        }
    }

    /// <summary>As in <see cref="Join"/>, for what is still missing: an answer may be shorter than asked.</summary>
    public List<Fetch> DemandAgain(Reader reader)
    {
        lock (_gate)
        {
            List<Fetch> start = [];
            if (!_broken) Demand(reader, start);
            return start;
        }
    }

    /// <summary>
    /// Begins with bytes that came another way, for which the caller has reserved memory. False: somebody is at this asset already, and the memory
    /// is the caller's again.
    /// </summary>
    /// <param name="bytes">As long as the asset, and not to be changed any more.</param>
    /// <param name="held">What of it has come.</param>
    public bool TryBegin(byte[] bytes, IReadOnlyList<Interval> held)
    {
        lock (_gate)
        {
            if (_closed || _keeping || Total >= 0 || _readers.Count > 0 || _fetches.Count > 0) return false;
            foreach (Interval part in held) _pieces.Add(part.Start, bytes, (int)part.Start, (int)part.Length);
            Total = _reserved = bytes.Length;
            _from.Mixed();
            return true;
        }
    }

    /// <summary>The background's fetch of all that is missing; null when there is nothing to do or a viewer is at it.</summary>
    public Fetch? Remainder()
    {
        lock (_gate)
        {
            _queued = false;
            if (_closed || _keeping || Total < 0 || _readers.Count > 0 || _fetches.Count > 0) return null;
            List<Interval> ask = _plan.Ask(new Interval(0, Total), _pieces.Held, coming: []);
            if (ask.Count == 0) return null;
            _completions++;
            // To the end is asked as bytes=n-, in the words of PROTOCOL §3.6.
            return Begin(ask[0].End == Total ? ask[0] with { End = Interval.Open } : ask[0], ranged: true, owner: null);
        }
    }

    /// <summary>True once: the assembly now waits for its <see cref="Remainder"/> to be asked for. False also when that was tried often enough.</summary>
    public bool TryQueue()
    {
        lock (_gate) return !_queued && _completions < MaxCompletions && (_queued = true);
    }

    /// <summary>What <paramref name="reader"/> does next; <paramref name="failed"/> says why nobody brings the next byte, if it is known.</summary>
    public Step Next(Reader reader, out ReadOnlyMemory<byte> bytes, out Task progress, out Fetch? failed)
    {
        lock (_gate)
        {
            bytes = default;
            progress = Task.CompletedTask;
            failed = _broken ? reader.Sources.Find(f => f.End == FetchEnd.Conflict) : null;
            if (_broken) return Step.Gone;
            long next = NextByte(reader);
            if (reader.Slice is { } slice && next == reader.Position)
            {
                bytes = _pieces.At(next);
                if (bytes.Length > slice.Bytes.End - next) bytes = bytes[..(int)(slice.Bytes.End - next)];
                if (!bytes.IsEmpty) return Step.Send;
            }
            if (_fetches.Exists(f => f.Owner is not null && f.Coming.Contains(next)))
            {
                _progress ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                progress = _progress.Task;
                return Step.Wait;
            }
            failed = reader.Sources.Find(f => f.HasFailed && f.Asked.Contains(next)) ?? reader.Sources.Find(f => f.HasFailed);
            return Step.Gone;
        }
    }

    /// <summary>
    /// An answer's headers: it will bring <paramref name="bytes"/> of an asset of <paramref name="total"/>, for which the caller has
    /// reserved memory. False: it contradicts an earlier answer, so this assembly is closed, and the memory is the caller's again.
    /// </summary>
    public bool Accept(Fetch fetch, Interval bytes, long total, string sender)
    {
        lock (_gate)
        {
            if (fetch.End != FetchEnd.Running) return false;
            if (Total >= 0 && Total != total)
            {
                _closed = true;
                End(fetch, FetchEnd.Conflict);
                return false;
            }
            Total = total;
            _from.Add(sender);
            fetch.Coming = bytes;
            fetch.Announced = bytes.Length;
            _reserved += bytes.Length;
            Pulse();
            return true;
        }
    }

    /// <summary>
    /// The next bytes of an accepted answer. False: they differ from bytes already held, so nothing of this assembly is kept; or nobody wants them any more.
    /// <paramref name="awaited"/>: a reader was waiting, and is now queued to go on.
    /// </summary>
    public bool Append(Fetch fetch, byte[] array, int offset, int length, out bool awaited)
    {
        lock (_gate)
        {
            awaited = false;
            if (fetch.End != FetchEnd.Running) return false;
            bool agrees = _pieces.Add(fetch.Coming.Start, array, offset, length);
            if (agrees) fetch.Coming = fetch.Coming with { Start = fetch.Coming.Start + length };
            else
            {
                _closed = _broken = true;
                End(fetch, FetchEnd.Conflict);
            }
            awaited = Pulse();
            return agrees;
        }
    }

    /// <summary>
    /// The end of a fetch. One that broke off closes the assembly: those who read go on with what is here, but no later request
    /// builds on it and nothing of it is kept. Idempotent; the first end holds.
    /// </summary>
    public void Finish(Fetch fetch, FetchEnd end)
    {
        lock (_gate)
        {
            if (end == FetchEnd.Failed && fetch.Announced > 0 && fetch.End == FetchEnd.Running) _closed = true;
            End(fetch, end);
            // A reader that has left takes nothing more.
            if (fetch.Owner is null || !_readers.Contains(fetch.Owner)) fetch.TakeAnswer()?.Dispose();
        }
    }

    /// <summary>A viewer's request is answered, or its connection is gone. Fetches that nobody waits for end, unless they are nearly done or small.</summary>
    public void Leave(Reader reader)
    {
        lock (_gate)
        {
            _readers.Remove(reader);
            foreach (Fetch fetch in reader.Sources)
            {
                if (fetch.Owner == reader) fetch.TakeAnswer()?.Dispose();
                if (fetch.End != FetchEnd.Running || _readers.Exists(r => r.Sources.Contains(fetch))) continue;
                long length = fetch.Announced > 0 ? fetch.Announced : fetch.Asked.Length;
                bool nearlyDone = fetch.Announced > 0 && fetch.Coming.Length * 2 < length;
                if (!nearlyDone && length >= SmallBytes) End(fetch, FetchEnd.Stopped);
            }
        }
    }

    /// <summary>To be asked after every <see cref="Leave"/> and <see cref="Finish"/>. Says <see cref="Todo.Keep"/> once only.</summary>
    /// <param name="unused">Reserved memory that the caller gives back: bytes that will not come, or all of it at the assembly's end.</param>
    public Todo Review(out long unused)
    {
        lock (_gate)
        {
            unused = _surplus;
            _surplus = 0;
            bool idle = _readers.Count == 0 && _fetches.Count == 0;
            if (idle && _pieces.Held.Intervals.Count == 0) _closed = true;
            if (_closed)
            {
                _lookup.Stop();
                if (idle && !_keeping) (unused, _reserved) = (unused + _reserved, 0);
                return Todo.Forget;
            }
            if (_keeping || Total < 0) return Todo.Nothing;
            if (_pieces.Held.Covers(new Interval(0, Total)))
            {
                _keeping = true;
                _lookup.Stop();
                return Todo.Keep;
            }
            return idle ? Todo.Complete : Todo.Nothing;
        }
    }

    /// <summary>The whole asset in one array, after <see cref="Todo.Keep"/>.</summary>
    public byte[] Whole()
    {
        byte[] whole = GC.AllocateUninitializedArray<byte>((int)Total);
        lock (_gate) _pieces.CopyTo(whole);
        return whole;
    }

    /// <summary>Takes no more requests: kept, refused, too old, or given up for its memory.</summary>
    public void Close()
    {
        lock (_gate) (_closed, _keeping) = (true, false);
    }

    /// <summary>Closes if nobody is at it.</summary>
    public bool TryGiveUp()
    {
        lock (_gate)
        {
            if (_readers.Count > 0 || _fetches.Count > 0 || _keeping) return false;
            return _closed = true;
        }
    }

    private void Demand(Reader reader, List<Fetch> start)
    {
        Interval wanted = Resolve(reader)?.Bytes ?? reader.Range.Wanted;
        wanted = wanted with { Start = Math.Max(wanted.Start, reader.Position) };
        List<Interval> missing = _pieces.Held.Gaps(wanted);
        reader.FirstMissing = missing.Count > 0 ? missing[0].Start : -1;
        foreach (Fetch fetch in _fetches)
        {
            if (fetch.Coming.Intersects(wanted) && !reader.Sources.Contains(fetch)) reader.Sources.Add(fetch);
        }
        List<Interval> ask = _plan.Ask(wanted, _pieces.Held, _fetches.Select(f => f.Coming));
        // A viewer that named no range is not given one, as long as nothing of the asset is here.
        bool whole = reader.Range.Kind == RangeKind.None && ask is [{ Start: 0 } all] && (all.End == Interval.Open || all.End == Total);
        foreach (Interval interval in ask)
        {
            Fetch fetch = Begin(interval, !whole, reader);
            reader.Sources.Add(fetch);
            start.Add(fetch);
        }
    }

    private Fetch Begin(Interval asked, bool ranged, Reader? owner)
    {
        Fetch fetch = new(this, asked, ranged, owner);
        _fetches.Add(fetch);
        return fetch;
    }

    private long NextByte(Reader reader)
    {
        if (Resolve(reader) is not { } slice) return reader.Range.From;
        if (reader.Started) return reader.Position;
        long first = reader.FirstMissing;
        return slice.Bytes.Contains(first) && !_pieces.Held.Contains(first) ? first : reader.Position;
    }

    private Slice? Resolve(Reader reader)
    {
        if (reader.Slice is not null || Total < 0) return reader.Slice;
        Slice slice = reader.Range.Of(Total);
        reader.Position = slice.Bytes.Start;
        return reader.Slice = slice;
    }

    private void End(Fetch fetch, FetchEnd end)
    {
        if (fetch.End != FetchEnd.Running) return;
        fetch.End = end;
        _fetches.Remove(fetch);
        if (fetch.Announced > 0) (_reserved, _surplus) = (_reserved - fetch.Coming.Length, _surplus + fetch.Coming.Length);
        if (end == FetchEnd.Stopped) _ = fetch.Stop.CancelAsync();
        Pulse();
    }

    private bool Pulse()
    {
        bool awaited = _progress?.TrySetResult() == true;
        _progress = null;
        return awaited;
    }
}
