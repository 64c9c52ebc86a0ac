using GlobalCache.Client.Figures;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Status;

public sealed class VisitTests
{
    /// <summary>100 ms to the first byte, then 1 MB/s.</summary>
    private static readonly OriginPace s_pace = new(TimeSpan.FromMilliseconds(100), 1_000_000);

    [Fact]
    public void A_hit_is_sent_once_more_to_a_grid_as_quick_as_it_was_seen_to_be()
    {
        Visit visit = Of((ServedFrom.Hit, 0, 5, 400_000));
        SavedTime time = visit.Replay(s_pace);
        Assert.Equal(TimeSpan.FromMilliseconds(5), time.Waited);
        Assert.Equal(TimeSpan.FromMilliseconds(500), time.WouldHaveWaited);
        Assert.Equal(TimeSpan.FromMilliseconds(495), time.Saved);
        Assert.Equal(400_000, visit.SavedBytes);
    }

    [Fact]
    public void What_the_grid_answered_itself_saves_nothing_however_slow_it_was()
    {
        Visit visit = Of((ServedFrom.Miss, 0, 3000, 400_000));
        Assert.Equal(TimeSpan.Zero, visit.Replay(s_pace).Saved);
        Assert.Equal(0, visit.SavedBytes);
    }

    [Fact]
    public void A_ninth_texture_waits_for_a_connection_and_a_mesh_does_not()
    {
        (ServedFrom, double, double, long)[] nine = [.. Enumerable.Repeat((ServedFrom.Hit, 0d, 1d, 900_000L), 9)];
        Assert.Equal(TimeSpan.FromSeconds(1), Of(nine[..8]).Replay(s_pace).WouldHaveWaited);
        Assert.Equal(TimeSpan.FromSeconds(2), Of(nine).Replay(s_pace).WouldHaveWaited);

        Visit visit = Of(nine[..8]);
        visit.Add(new Served(ServedFrom.Hit, AssetType.Mesh, 900_000, TimeSpan.FromMilliseconds(1)), TimeSpan.FromMilliseconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), visit.Replay(s_pace).WouldHaveWaited);
    }

    [Fact]
    public void Waiting_for_two_at_once_is_waiting_once_and_a_pause_between_is_none()
    {
        SavedTime time = Of((ServedFrom.Hit, 0, 10, 0), (ServedFrom.Hit, 5, 15, 0), (ServedFrom.Hit, 5000, 5010, 0)).Replay(s_pace);
        Assert.Equal(TimeSpan.FromMilliseconds(25), time.Waited);
        Assert.Equal(TimeSpan.FromMilliseconds(205), time.WouldHaveWaited);
    }

    [Fact]
    public void A_client_slower_than_the_grid_has_cost_time_and_says_so()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(-400), Of((ServedFrom.Shared, 0, 500, 0)).Replay(s_pace).Saved);
    }

    [Fact]
    public void Nothing_is_said_of_a_grid_that_nobody_saw_answer()
    {
        SavedTime time = Of((ServedFrom.Hit, 0, 5, 1000)).Replay(pace: null);
        Assert.Null(time.WouldHaveWaited);
        Assert.Null(time.Saved);
    }

    [Fact]
    public void What_goes_by_UDP_counts_in_bytes_alone()
    {
        Visit visit = Of((ServedFrom.Injected, 0, 0, 7000), (ServedFrom.Captured, 0, 0, 5000));
        Assert.Equal((2, 7000), (visit.Requests, visit.SavedBytes));
        Assert.Equal(TimeSpan.Zero, visit.Replay(s_pace).WouldHaveWaited);
    }

    [Fact]
    public void Requests_without_end_take_no_memory_without_end()
    {
        (ServedFrom, double, double, long)[] many = [.. Enumerable.Range(0, Visit.MostRequests + 1000).Select(n => (ServedFrom.Hit, n * 1000d, (n * 1000d) + 1, 0L))];
        Visit visit = Of(many);
        Assert.Equal(many.Length, visit.Requests);
        Assert.Equal(TimeSpan.FromMilliseconds(Visit.MostRequests), visit.Replay(s_pace).Waited);
    }

    private static Visit Of(params (ServedFrom From, double Asked, double Got, long Bytes)[] requests)
    {
        var visit = new Visit("world", DateTimeOffset.UnixEpoch);
        foreach ((ServedFrom from, double asked, double got, long bytes) in requests)
            visit.Add(new Served(from, AssetType.Texture, bytes, TimeSpan.FromMilliseconds(got - asked)), TimeSpan.FromMilliseconds(got));
        return visit;
    }
}

public sealed class OriginMeterTests
{
    [Fact]
    public void Its_pace_is_the_median_and_one_that_stalled_says_nothing()
    {
        var meter = new OriginMeter();
        for (int i = 0; i < 9; i++) meter.Add(TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(100), 50_000);
        meter.Add(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30), 50_000);
        OriginPace pace = meter.Pace!.Value;
        Assert.Equal(0.08, pace.FirstByte.TotalSeconds, 3);
        Assert.Equal(500_000, pace.BytesPerSecond, 1.0);
    }

    [Fact]
    public void A_few_answers_are_too_few_and_short_ones_tell_no_speed()
    {
        var meter = new OriginMeter();
        for (int i = 0; i < OriginMeter.Enough - 1; i++) meter.Add(TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(100), 50_000);
        Assert.Null(meter.Pace);
        for (int i = 0; i < 100; i++) meter.Add(TimeSpan.FromMilliseconds(80), TimeSpan.Zero, 600);
        Assert.Null(meter.Pace);
        meter.Add(TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(100), 50_000);
        Assert.NotNull(meter.Pace);
    }
}
