namespace GlobalCache.Bench.Scaling;

/// <summary>Dice that fall alike for the same seed, whatever the machine.</summary>
internal sealed class Chance(int seed)
{
    // Above this, a Poisson figure is as good as a rounded normal one: its skew is below 0.15 and its tails are not what is measured here.
    private const double ManyAtOnce = 50;

    private readonly Random _dice = new(seed);

    public double Uniform() => _dice.NextDouble();

    public double Between(double low, double high) => low + ((high - low) * _dice.NextDouble());

    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - _dice.NextDouble())) * Math.Cos(2 * Math.PI * _dice.NextDouble());

    public double Poisson(double mean)
    {
        if (mean > ManyAtOnce) return Math.Max(0, Math.Round(mean + (Math.Sqrt(mean) * Normal())));
        double left = Math.Exp(-mean);
        int count = 0;
        for (double product = _dice.NextDouble(); product > left; product *= _dice.NextDouble()) count++;
        return count;
    }

    /// <summary>Gamma of this shape and scale 1 (Marsaglia and Tsang, 2000).</summary>
    public double Gamma(double shape)
    {
        if (shape < 1) return Gamma(shape + 1) * Math.Pow(1 - _dice.NextDouble(), 1 / shape);
        double d = shape - (1.0 / 3);
        double c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = Normal();
            double v = Math.Pow(1 + (c * x), 3);
            if (v > 0 && Math.Log(1 - _dice.NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v))) return d * v;
        }
    }
}
