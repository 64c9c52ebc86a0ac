using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Link;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.TestGrid;

/// <summary>The shaped line: its arithmetic exactly, and that everything arrives whole over it. What it measures is the benchmarks' business.</summary>
public sealed class ShapedLinkTests
{
    private static readonly TimeProvider Time = TimeProvider.System;

    [Fact]
    public void All_senders_together_get_the_bandwidth_and_no_more()
    {
        var direction = new LinkDirection(8_000_000, TimeSpan.FromMilliseconds(40), Time);
        long start = Time.GetTimestamp() + Time.TimestampFrequency, last = 0;
        // 1 000 kB in all at 1 000 kB/s, by turns from two senders who are always ready.
        for (int i = 0; i < 1000; i++) last = direction.Departure(1000, start);
        Assert.Equal(1.0, Time.GetElapsedTime(start, last).TotalSeconds, 5);
        Assert.Equal(0.04, Time.GetElapsedTime(last, direction.Arrival(last)).TotalSeconds, 5);
        Assert.Equal(1_000_000, direction.Bytes);
    }

    [Fact]
    public void A_sender_whose_timer_was_late_loses_nothing()
    {
        var direction = new LinkDirection(8_000_000, TimeSpan.Zero, Time);
        long start = Time.GetTimestamp() + Time.TimestampFrequency;
        long first = direction.Departure(1000, start);
        Assert.Equal(first + (first - start), direction.Departure(1000, first));
    }

    [Fact]
    public void A_full_queue_loses_datagrams()
    {
        var direction = new LinkDirection(8_000_000, TimeSpan.Zero, Time);
        int through = Enumerable.Range(0, 1000).Count(_ => direction.TryArrival(1000, out long _));
        Assert.InRange(through, 300, 600);
    }

    [Fact]
    public void A_new_connection_sends_ten_segments_and_then_waits_for_acks()
    {
        var shape = new LinkShape(20_000_000, 20_000_000, TimeSpan.FromMilliseconds(80));
        var window = new CongestionWindow(shape, Time);
        long roundTrip = LinkDirection.Ticks(shape.RoundTrip, Time);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(1000, window.Opens(CongestionWindow.Segment, 1000));
            window.Sent(CongestionWindow.Segment, 1000);
        }

        Assert.Equal(1000 + roundTrip, window.Opens(CongestionWindow.Segment, 1000));
        // After one round trip of acks there is room for twice as much.
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(1000 + roundTrip, window.Opens(CongestionWindow.Segment, 1000 + roundTrip));
            window.Sent(CongestionWindow.Segment, 1000 + roundTrip);
        }

        Assert.Equal(1000 + 2 * roundTrip, window.Opens(CongestionWindow.Segment, 1000 + roundTrip));
    }

    [Fact]
    public async Task A_scene_arrives_whole_over_a_line_by_HTTP_and_UDP()
    {
        await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { Link = new LinkShape(50_000_000, 50_000_000, TimeSpan.FromMilliseconds(20)) });
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: cancelled);
        SceneReport report = await viewer.Assets.FetchAsync(SceneAsset.AllOf(grid), cancelled);
        Assert.True(report.Ok);
        Assert.InRange(grid.LinkBytesDown, report.Bytes, report.Bytes + 250_000);
        Assert.Equal(grid.Assets.Find(GridAssets.LargeTexture)!.Bytes, await viewer.ImageByUdpAsync(GridAssets.LargeTexture, cancelled));
        Assert.True(await viewer.LogoutAsync(cancelled));
    }
}
