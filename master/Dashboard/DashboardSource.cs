using System.Text.Json;
using System.Threading.Channels;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>A state in the forms it is sent in, made once for all who read.</summary>
/// <param name="State">The state.</param>
/// <param name="Json">For machines.</param>
/// <param name="Parts">For the page: what each of its live sections holds.</param>
internal sealed record Frame(MasterState State, byte[] Json, IReadOnlyList<Part> Parts);

/// <summary>
/// The newest state, and word of every new one: once a second it is looked, and who reads along gets it when something has changed, or 10 s have passed. Nobody is
/// waited for: a slow reader finds the newest state when it is done with an older one, so that readers take bounded memory. At most 64 of them.
/// </summary>
/// <param name="look">Makes the state of this moment; called by one caller at a time.</param>
/// <param name="day">What the plots show.</param>
/// <param name="time">The clock.</param>
internal sealed class DashboardSource(Func<MasterState> look, DayPlot day, TimeProvider time)
{
    /// <summary>Readers at once.</summary>
    public const int MostReaders = 64;

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1), s_heartbeat = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly HashSet<Reader> _readers = [];
    private MasterState? _current;
    private byte[] _last = [];
    private long _sentAt;

    /// <summary>The newest state.</summary>
    public MasterState Current
    {
        get
        {
            lock (_lock) return _current ??= look();
        }
    }

    /// <summary>The last 24 hours.</summary>
    public DayPlot Day => day;

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>Who reads along now.</summary>
    public int Readers
    {
        get
        {
            lock (_lock) return _readers.Count;
        }
    }

    /// <summary>Goes on until <paramref name="ct"/>.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(s_look, time);
        try
        {
            do Look();
            while (await timer.WaitForNextTickAsync(ct));
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    /// <summary>Looks once, and tells the readers.</summary>
    public void Look()
    {
        lock (_lock)
        {
            _current = look();
            if (_readers.Count == 0) return;
            // What the time is is no news.
            byte[] content = JsonSerializer.SerializeToUtf8Bytes(_current with { Now = default }, MasterJson.Default.MasterState);
            if (content.AsSpan().SequenceEqual(_last) && time.GetElapsedTime(_sentAt) < s_heartbeat) return;
            (_last, _sentAt) = (content, time.GetTimestamp());
            Frame frame = FrameOf(_current);
            foreach (Reader reader in _readers) reader.Put(frame);
        }
    }

    /// <summary>Reads along, beginning with the last state; to be disposed. Null: there are too many.</summary>
    public Reader? TryRead()
    {
        lock (_lock)
        {
            if (_readers.Count >= MostReaders) return null;
            var reader = new Reader(this);
            reader.Put(FrameOf(_current ??= look()));
            _readers.Add(reader);
            return reader;
        }
    }

    private Frame FrameOf(MasterState state) => new(state, JsonSerializer.SerializeToUtf8Bytes(state, MasterJson.Default.MasterState), Parts.Of(state, day));

    /// <summary>One that reads along: it holds the newest frame it has not taken, and no other.</summary>
    internal sealed class Reader(DashboardSource source) : IDisposable
    {
        private readonly Channel<Frame> _next = Channel.CreateBounded<Frame>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

        /// <summary>The next frame.</summary>
        public ValueTask<Frame> NextAsync(CancellationToken ct) => _next.Reader.ReadAsync(ct);

        public void Put(Frame frame) => _next.Writer.TryWrite(frame);

        public void Dispose()
        {
            lock (source._lock) source._readers.Remove(this);
        }
    }
}
