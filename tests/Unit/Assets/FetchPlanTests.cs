using CsCheck;
using GlobalCache.Client.Assets;

namespace GlobalCache.Tests.Assets;

public sealed class FetchPlanTests
{
    private const int Size = 200;

    /// <summary>Requests that overlap in every way, some answered before the next comes and some not.</summary>
    [Fact]
    public void T34_Whatever_is_wanted_is_brought_and_no_byte_more_than_twice() =>
        Gen.Select(Gen.Int[0, Size - 1], Gen.Int[1, Size], Gen.Int[0, 3]).Array[1, 25].Sample(requests =>
        {
            FetchPlan plan = new();
            IntervalSet held = new();
            List<Interval> coming = [];
            int[] fetched = new int[Size];
            foreach ((int from, int length, int arrive) in requests)
            {
                Interval wanted = new(from, Math.Min(Size, from + length));
                List<Interval> ask = plan.Ask(wanted, held, coming);
                foreach (Interval interval in ask)
                {
                    for (long i = interval.Start; i < interval.End; i++) fetched[i]++;
                    Assert.True(interval.Start >= wanted.Start && interval.End <= wanted.End);
                }
                coming.AddRange(ask);
                for (long i = wanted.Start; i < wanted.End; i++) Assert.True(held.Contains(i) || coming.Exists(c => c.Contains(i)));
                for (int i = 0; i < arrive && coming.Count > 0; i++)
                {
                    held.Add(coming[0]);
                    coming.RemoveAt(0);
                }
            }
            Assert.InRange(fetched.Max(), 0, 2);
        }, iter: 4_000);

    [Fact]
    public void A_range_that_begins_one_byte_before_what_is_held_ends_asks_for_the_rest_only()
    {
        IntervalSet held = new();
        held.Add(new Interval(0, 600));
        Assert.Equal([new Interval(600, 16_792)], new FetchPlan().Ask(new Interval(599, 16_792), held, []));
    }
}
