using System.Globalization;
using Xunit.Sdk;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>
/// Whole sessions of a viewer and a sim with the proxy between them: loss, reordering and duplication on both sides, hits, misses, late and failing
/// reads, cancels, repeats, priorities, numbers about to wrap. Each ends with every wanted image and transfer whole, no rule broken, nothing unacked.
/// <c>SESSIONS=10000</c> plays more of them, <c>SESSION=4711</c> one alone and tells all that passes.
/// </summary>
public sealed class RandomSessionTests(ITestOutputHelper output)
{
    private const int Parts = 4;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_session_ends_with_all_that_was_wanted(int part)
    {
        int sessions = Number("SESSIONS") ?? 300, first = Number("FIRST_SESSION") ?? 1;
        IEnumerable<int> seeds = Number("SESSION") is { } one ? [one] : Enumerable.Range(first, sessions);
        var sum = new Sum();
        List<string> failed = [];
        foreach (int seed in seeds.Where(s => s % Parts == part))
        {
            var plan = new SessionPlan(seed);
            plan.Session.Trace = Number("SESSION") is null ? null : output.WriteLine;
            try
            {
                plan.Play();
                sum.Add(plan);
            }
            catch (Exception e)
            {
                // Reproduced by SESSION and this number.
                failed.Add($"SESSION={seed} at {plan.Session.Now / 1000} ms: {(e is XunitException ? e.Message : string.Join(' ', $"{e}".Split('\n').Take(6)))}");
                if (failed.Count == 20)
                {
                    break;
                }
            }
        }

        output.WriteLine(sum.ToString());
        Assert.True(failed.Count == 0, $"{failed.Count} of the sessions failed:{Environment.NewLine}{string.Join(Environment.NewLine, failed)}");
    }

    [Fact]
    public void The_two_models_agree_with_each_other_when_nobody_answers_between_them()
    {
        var sum = new Sum();
        for (int seed = 1; seed <= 100; seed++)
        {
            var plan = new SessionPlan(seed, withTap: false);
            plan.Play();
            sum.Add(plan);
        }

        output.WriteLine(sum.ToString());
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : null;

    private sealed class Sum
    {
        private int _sessions, _images, _transfers, _excuses, _waste, _lost, _cancels, _captured, _parts;
        private long _injected, _forwarded, _swallowed, _held, _seconds;

        public void Add(SessionPlan plan)
        {
            ModelSession session = plan.Session;
            _sessions++;
            _images += plan.Images;
            _transfers += plan.Transfers;
            _excuses += session.Viewer.Images.Excuses;
            _waste += session.Viewer.Images.Waste;
            _cancels += session.Viewer.Images.Cancels;
            _lost += session.Lost;
            _captured += session.Store.CapturedAssets.Count;
            _parts += session.Store.CapturedParts;
            _injected += session.Circuit.Counters.Injected;
            _forwarded += session.Circuit.Counters.Forwarded;
            _swallowed += session.Circuit.Counters.Swallowed;
            _held += session.Circuit.Counters.Held;
            _seconds += session.Now / LludpManner.Second;
        }

        public override string ToString() =>
            $"{_sessions} sessions of {_seconds} s in all: {_images} images, {_transfers} transfers; {_forwarded} forwarded, {_injected} injected, {_swallowed} swallowed, "
            + $"{_held} held; {_captured} captured, {_parts} in part; {_lost} given up, {_waste} wasted, {_cancels} cancels, {_excuses} excused";
    }
}
