namespace GlobalCache.Master.Scaling;

/// <summary>The last figures of a row, as many as it has room for.</summary>
internal sealed class Ring(int room)
{
    private double[] _kept = new double[room];
    private int _next;

    /// <summary>How many are kept.</summary>
    public int Count { get; private set; }

    /// <summary>The one that came <paramref name="back"/> before the newest, 0 – <see cref="Count"/> − 1.</summary>
    public double this[int back]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)back, (uint)Count, nameof(back));
            int at = _next - 1 - back;
            return _kept[at < 0 ? at + _kept.Length : at];
        }
    }

    public void Add(double figure)
    {
        _kept[_next] = figure;
        _next = _next + 1 == _kept.Length ? 0 : _next + 1;
        Count = Math.Min(Count + 1, _kept.Length);
    }

    public void Clear() => (_next, Count) = (0, 0);

    /// <summary>Mean of the newest, as far as there are so many.</summary>
    public double Mean(int of)
    {
        int count = Math.Min(of, Count);
        double sum = 0;
        for (int i = count - 1; i >= 0; i--) sum += this[i];
        return sum / count;
    }

    /// <summary>Largest of the newest, as far as there are so many.</summary>
    public double Max(int of)
    {
        double most = double.NegativeInfinity;
        for (int i = Math.Min(of, Count) - 1; i >= 0; i--) most = Math.Max(most, this[i]);
        return most;
    }

    /// <summary>Smallest of those that came before the newest <paramref name="but"/>, as far as there are so many; 0 when there is none.</summary>
    public double Min(int of, int but)
    {
        int until = Math.Min(but + of, Count);
        double least = double.PositiveInfinity;
        for (int i = but; i < until; i++) least = Math.Min(least, this[i]);
        return but < until ? least : 0;
    }

    /// <summary>Makes room for more, or for fewer; the newest stay.</summary>
    public void Resize(int to)
    {
        if (to == _kept.Length) return;
        double[] newest = ToArray();
        (_kept, _next, Count) = (new double[to], 0, 0);
        foreach (double figure in newest.AsSpan(Math.Max(0, newest.Length - to))) Add(figure);
    }

    /// <summary>All that are kept, the oldest first.</summary>
    public double[] ToArray()
    {
        double[] all = new double[Count];
        for (int i = 0; i < Count; i++) all[i] = this[Count - 1 - i];
        return all;
    }
}
