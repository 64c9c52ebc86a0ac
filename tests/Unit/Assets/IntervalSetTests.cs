using CsCheck;
using GlobalCache.Client.Assets;

namespace GlobalCache.Tests.Assets;

/// <summary>Intervals and pieces against the naive model: one flag, or one byte, for each position.</summary>
public sealed class IntervalSetTests
{
    private const int Size = 64;

    private static readonly Gen<Interval> AnInterval = Gen.Select(Gen.Int[0, Size], Gen.Int[0, 20]).Select((start, length) => new Interval(start, Math.Min(Size, start + length)));

    [Fact]
    public void Any_sequence_of_additions_equals_a_set_of_positions() =>
        Gen.Select(AnInterval.Array[0, 12], AnInterval).Sample((added, asked) =>
        {
            IntervalSet set = new();
            bool[] model = new bool[Size + 1];
            foreach (Interval interval in added)
            {
                set.Add(interval);
                for (long i = interval.Start; i < interval.End; i++) model[i] = true;
            }
            for (int i = 0; i < Size; i++) Assert.Equal(model[i], set.Contains(i));
            for (int i = 1; i < set.Intervals.Count; i++) Assert.True(set.Intervals[i - 1].End < set.Intervals[i].Start);

            bool[] gaps = new bool[Size + 1];
            foreach (Interval gap in set.Gaps(asked))
            {
                Assert.False(gap.IsEmpty);
                for (long i = gap.Start; i < gap.End; i++) gaps[i] = true;
            }
            for (long i = 0; i < Size; i++) Assert.Equal(asked.Contains(i) && !model[i], gaps[i]);
            Assert.Equal(!gaps.Contains(true), set.Covers(asked));
            Assert.Equal(Enumerable.Range(0, Size).Any(i => asked.Contains(i) && model[i]), set.Intersects(asked));
        }, iter: 4_000);

    [Fact]
    public void An_open_interval_has_one_gap_to_the_end()
    {
        IntervalSet set = new();
        set.Add(new Interval(0, 600));
        Assert.Equal([new Interval(600, Interval.Open)], set.Gaps(new Interval(599, Interval.Open)));
    }

    [Fact]
    public void Pieces_in_any_order_and_overlap_give_the_asset_back() =>
        Gen.Select(AnInterval.Array[0, 20], Gen.Int[1, 5]).Sample((added, cut) =>
        {
            byte[] asset = [.. Enumerable.Range(0, Size).Select(i => (byte)(i * 7 + 1))];
            Pieces pieces = new();
            foreach (Interval interval in added)
            {
                // As received: one array, filled a little at a time.
                byte[] array = asset[(int)interval.Start..(int)interval.End];
                for (int at = 0; at < array.Length; at += cut)
                    Assert.True(pieces.Add(interval.Start + at, array, at, Math.Min(cut, array.Length - at)));
            }
            for (int i = 0; i < Size; i++)
            {
                ReadOnlySpan<byte> run = pieces.At(i).Span;
                Assert.Equal(pieces.Held.Contains(i), !run.IsEmpty);
                Assert.True(asset.AsSpan(i, run.Length).SequenceEqual(run));
            }
            foreach (Interval interval in added.Where(a => !a.IsEmpty))
            {
                byte[] wrong = asset[(int)interval.Start..(int)interval.End];
                wrong[^1] ^= 1;
                Assert.False(pieces.Add(interval.Start, wrong, 0, wrong.Length));
            }
        }, iter: 2_000);
}
