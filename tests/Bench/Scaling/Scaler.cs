using System.Runtime.InteropServices;

namespace GlobalCache.Bench.Scaling;

/// <summary>What a scaler sees at a tick; demand and load are those of the tick before, as reports arrive.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Sight(double Seconds, double RequestsPerSecond, double MeanLoad, int Serving, int Booting, int Draining);

/// <summary>One way to say how many nodes there should be.</summary>
internal abstract class Scaler
{
    /// <summary>Its name in the table.</summary>
    public abstract string Name { get; }

    /// <summary>Nodes that drain are called back before others are launched.</summary>
    public virtual bool CallsBack => false;

    /// <summary>Launches an hour, at most.</summary>
    public virtual int LaunchesPerHour => int.MaxValue;

    /// <summary>How many serve at the beginning.</summary>
    public virtual int Begin(DemandCurve curve, Setting setting) => Math.Max(1, (int)Math.Ceiling(curve.Rate[0] / (setting.Capacity * 0.75)));

    /// <summary>How many there should be, those on their way included; null: as there are.</summary>
    public abstract int? Next(in Sight sight);

    /// <summary>Whether a node told to go so long ago, and without a request for so long, may be ended.</summary>
    public virtual bool MayEnd(double since, double quiet, Setting setting) =>
        (since >= setting.Ttl + setting.DnsDelay && quiet >= 60) || since >= 1800;
}
