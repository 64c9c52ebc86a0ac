using System.Diagnostics.Metrics;
using GlobalCache.Client;

namespace GlobalCache.Demo;

/// <summary>Counts the bytes the client served from its store, by the client's own meter.</summary>
internal sealed class StoreBytes : IDisposable
{
    private readonly MeterListener listener = new();
    private long bytes;

    public StoreBytes()
    {
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == ClientMetrics.MeterName && instrument.Name == ClientMetrics.StoreBytesName) l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref bytes, count));
        listener.Start();
    }

    /// <summary>Since the last time.</summary>
    public long Take() => Interlocked.Exchange(ref bytes, 0);

    public void Dispose() => listener.Dispose();
}
