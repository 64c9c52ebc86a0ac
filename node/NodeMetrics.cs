using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace GlobalCache.Node;

/// <summary>A figure that only grows, or one that is looked up when asked for.</summary>
internal sealed class Figure(string name, string help, Func<double>? look = null)
{
    private long _value;

    public long Value => Volatile.Read(ref _value);

    public void Add(long amount) => Interlocked.Add(ref _value, amount);

    public void Write(StringBuilder text) => text
        .Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n')
        .Append("# TYPE ").Append(name).Append(look is null ? " counter\n" : " gauge\n")
        .Append(name).Append(' ').Append((look?.Invoke() ?? Value).ToString("R", CultureInfo.InvariantCulture)).Append('\n');
}

/// <summary>
/// What the node counts, in the text that Prometheus reads, and on a meter for OpenTelemetry under the same names (without <c>_total</c>, which a collector adds). No
/// asset, person or address is ever a label (SECURITY §7).
/// </summary>
internal sealed class NodeMetrics : IDisposable
{
    private const string Total = "_total";

    private readonly List<Figure> _figures = [];
    private readonly Meter _meter = new(NodeTraces.Name);

    public NodeMetrics()
    {
        MemoryHits = Count("gc_node_memory_hits_total", "Assets served from memory.");
        StoreHits = Count("gc_node_store_hits_total", "Assets served from the store.");
        Misses = Count("gc_node_misses_total", "Assets not served: absent, not agreed on, banned, withheld or of a grid that is not shared.");
        Withheld = Count("gc_node_withheld_total", "Assets withheld as a check.");
        OverQuota = Count("gc_node_over_quota_total", "Requests beyond their branch's quota.");
        Troubles = Count("gc_node_store_troubles_total", "Asset requests the store could not answer.");
        BytesSent = Count("gc_node_sent_bytes_total", "Sealed bytes sent.");
    }

    public Figure MemoryHits { get; }

    public Figure StoreHits { get; }

    public Figure Misses { get; }

    public Figure Withheld { get; }

    public Figure OverQuota { get; }

    public Figure Troubles { get; }

    public Figure BytesSent { get; }

    /// <summary>One more figure, looked up when asked for.</summary>
    public void Show(string name, string help, Func<double> look)
    {
        _figures.Add(new Figure(name, help, look));
        _meter.CreateObservableGauge(name, look, unit: null, help);
    }

    public void Dispose() => _meter.Dispose();

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (Figure figure in _figures) figure.Write(text);
        return text.ToString();
    }

    private Figure Count(string name, string help)
    {
        var figure = new Figure(name, help);
        _figures.Add(figure);
        _meter.CreateObservableCounter(name[..^Total.Length], () => figure.Value, unit: null, help);
        return figure;
    }
}
