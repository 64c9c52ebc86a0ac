using System.Runtime.InteropServices;

namespace GlobalCache.Client.Figures;

/// <summary>How quick a grid is, as its answers to this machine have shown.</summary>
/// <param name="FirstByte">From a request to the first byte of its answer.</param>
/// <param name="BytesPerSecond">On one connection, from there on.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct OriginPace(TimeSpan FirstByte, double BytesPerSecond)
{
    /// <summary>How long a request for so much would take, once it has a connection.</summary>
    public TimeSpan Of(long bytes) => FirstByte + TimeSpan.FromSeconds(bytes / BytesPerSecond);
}

/// <summary>
/// Measures an <see cref="OriginPace"/> from what the grid itself has answered: medians of its last answers, so that neither a stalled one nor one from a
/// near cache says anything. The speed is one connection's beside all others that the viewer had open, which is what a further answer would have got.
/// </summary>
internal sealed class OriginMeter
{
    /// <summary>Answers before anything is said.</summary>
    public const int Enough = 8;

    private const int Kept = 128;

    /// <summary>A shorter body has come with the packets of its first byte, and says nothing of speed.</summary>
    private const long LeastBytes = 16 << 10;

    private readonly Ring _firstBytes = new(), _speeds = new();

    /// <summary>An answer of the grid's.</summary>
    public void Add(TimeSpan firstByte, TimeSpan rest, long bytes)
    {
        _firstBytes.Add(firstByte.TotalSeconds);
        if (bytes >= LeastBytes) _speeds.Add(bytes / Math.Max(rest.TotalSeconds, 1e-4));
    }

    /// <summary>Null: too little was seen.</summary>
    public OriginPace? Pace => _firstBytes.Count >= Enough && _speeds.Count >= Enough ? new OriginPace(TimeSpan.FromSeconds(_firstBytes.Median()), _speeds.Median()) : null;

    private sealed class Ring
    {
        private readonly double[] _values = new double[Kept];
        private int _next;

        public int Count { get; private set; }

        public void Add(double value)
        {
            _values[_next] = value;
            _next = (_next + 1) % Kept;
            Count = Math.Min(Count + 1, Kept);
        }

        public double Median()
        {
            double[] sorted = _values[..Count];
            Array.Sort(sorted);
            return (sorted[(Count - 1) / 2] + sorted[Count / 2]) / 2;
        }
    }
}
