using System.Globalization;

namespace GlobalCache.Client.CacheGrid;

/// <summary>
/// What is left of this client's quota, as nodes tell it with every asset they give. What viewers ask for may use it up; what is fetched ahead comes out
/// of the spare half alone (SECURITY §5). Thread-safe.
/// </summary>
internal sealed class SpareQuota
{
    /// <summary>With less than this left nothing is fetched ahead.</summary>
    public const double Half = 0.5;

    /// <summary>What was told so long ago may have changed: one asset is then fetched ahead, to be told anew.</summary>
    public static readonly TimeSpan Stale = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private double _left = 1;
    private TimeSpan _told = TimeSpan.MinValue;

    /// <summary>May one more asset be fetched ahead?</summary>
    public bool TryTake(TimeSpan now)
    {
        lock (_gate)
        {
            if (_left >= Half) return true;
            if (now - Stale < _told) return false;
            _told = now;
            return true;
        }
    }

    /// <summary>A node has told the share that is left, from 0.00 to 1.00. What is no such number tells nothing.</summary>
    public void Told(string? left, TimeSpan now)
    {
        if (!double.TryParse(left, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double share) || share is not (>= 0 and <= 1)) return;
        lock (_gate) (_left, _told) = (share, now);
    }

    /// <summary>A node gives nothing more for now.</summary>
    public void UsedUp(TimeSpan now)
    {
        lock (_gate) (_left, _told) = (0, now);
    }
}
