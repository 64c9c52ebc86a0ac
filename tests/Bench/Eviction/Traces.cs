namespace GlobalCache.Bench.Eviction;

/// <summary>What is asked for, one asset after another, and how large each is. Made of a seed.</summary>
internal static class Traces
{
    public const int Assets = 200_000, Requests = 4_000_000;

    private const int Regions = 400, InRegion = 1_500, Common = 20_000;

    public static (string Name, Func<int, IEnumerable<int>> Of)[] All =>
    [
        ("Zipf 0.8", seed => Zipf(seed, 0.8, drift: 0)),
        ("Zipf 1.0", seed => Zipf(seed, 1.0, drift: 0)),
        ("Zipf 0.8, what is wanted moves on", seed => Zipf(seed, 0.8, drift: 500)),
        ("walks through 400 regions", Walks),
    ];

    /// <summary>Log-normal about 40 KB, 1 KB – 2 MB: textures for the most part.</summary>
    public static int[] Sizes(int seed)
    {
        var dice = new Random(seed);
        return [.. Enumerable.Range(0, Assets).Select(_ => (int)Math.Clamp(Math.Exp(10.6 + (1.2 * Normal(dice))), 1_000, 2_000_000))];
    }

    /// <param name="seed">Of the dice.</param>
    /// <param name="skew">The exponent.</param>
    /// <param name="drift">After so many requests the ranks move on by one; 0: never.</param>
    private static IEnumerable<int> Zipf(int seed, double skew, int drift)
    {
        var dice = new Random(seed);
        double[] below = Cumulated(Assets, skew);
        int[] names = [.. Enumerable.Range(0, Assets)];
        dice.Shuffle(names);
        for (int i = 0; i < Requests; i++) yield return names[(Draw(dice, below) + (drift > 0 ? i / drift : 0)) % Assets];
    }

    /// <summary>Visits: all of a region's own assets, once, and things that people carry everywhere; popular regions are visited again.</summary>
    private static IEnumerable<int> Walks(int seed)
    {
        var dice = new Random(seed);
        double[] regions = Cumulated(Regions, 0.9), common = Cumulated(Common, 0.9);
        int[] order = [.. Enumerable.Range(0, InRegion)];
        for (int i = 0; i < Requests;)
        {
            int region = Draw(dice, regions);
            dice.Shuffle(order);
            foreach (int one in order)
            {
                if (i++ >= Requests) yield break;
                yield return dice.NextDouble() < 0.3 ? Draw(dice, common) : Common + (((region * 449) + one) % (Assets - Common));
            }
        }
    }

    private static double[] Cumulated(int count, double skew)
    {
        double[] below = new double[count];
        double sum = 0;
        for (int i = 0; i < count; i++) below[i] = sum += 1 / Math.Pow(i + 1, skew);
        for (int i = 0; i < count; i++) below[i] /= sum;
        return below;
    }

    private static int Draw(Random dice, double[] below) => Array.BinarySearch(below, dice.NextDouble()) is var at && at < 0 ? Math.Min(~at, below.Length - 1) : at;

    private static double Normal(Random dice) => Math.Sqrt(-2 * Math.Log(1 - dice.NextDouble())) * Math.Cos(2 * Math.PI * dice.NextDouble());
}
