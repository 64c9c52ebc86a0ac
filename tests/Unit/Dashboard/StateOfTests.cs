using System.Globalization;
using System.Text.Json;
using GlobalCache.Master.Dashboard;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Tests.Dashboard;

/// <summary>From the master's parts to what is shown.</summary>
public sealed class StateOfTests
{
    private static readonly DateTimeOffset s_noon = new(2026, 3, 6, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_day_is_summed_up()
    {
        SampleDay day = new SampleDay().Pass(1440);
        MasterState state = day.Look();
        Assert.Equal(NodeStage.Draining, state.Nodes[^1].State);
        Assert.All(state.Nodes.SkipLast(1), n => Assert.True(n.InDns));
        Assert.Equal(state.Nodes.Count - 1, state.Dns.Addresses.Count);
        Assert.Equal(state.Nodes.Sum(n => n.RequestsPerSecond!.Value), state.Demand.RequestsPerSecond!.Value, 6);
        Assert.Equal(0.93, state.Cache.HitRate!.Value, 2);
        Assert.Equal(0.93, state.Cache.HitRateNow!.Value, 2);
        // The nodes found had served a million before.
        Assert.True(state.Cache.Hits > 1_000_000);
        Assert.Equal(4, state.Cost.PeakNodes);
        Assert.Equal(4 * 0.085m, state.Cost.PeakPerHour);
        Assert.InRange(state.Cost.SavedShare!.Value, 0.05, 0.5);
        Assert.Equal(["max", "launchesPerHour", "nodeHoursPerDay", "spendPerHour", "spendPerDay"], state.Limits.Select(l => l.Name));
        Assert.True(state.Decisions.Count is > 5 and <= 60 && state.Decisions[0].At >= state.Decisions[^1].At);
    }

    [Fact]
    public void Who_does_not_lead_shows_no_nodes_and_counts_nothing_twice()
    {
        SampleDay day = new SampleDay().Pass(30);
        long hits = day.Look().Cache.Hits;
        day.Leads = false;
        MasterState state = day.Look();
        Assert.False(state.Leads);
        Assert.Empty(state.Nodes);
        Assert.Empty(state.Limits);
        day.Leads = true;
        Assert.Equal(hits, day.Look().Cache.Hits);
    }

    [Fact]
    public void A_node_that_was_started_anew_counts_on_and_one_that_is_gone_is_not_taken_back()
    {
        var ledger = new Ledger();
        ledger.Take([("a", Report(100)), ("b", Report(50))]);
        Assert.Equal(150, ledger.Total.Hits);
        ledger.Take([("a", Report(7)), ("b", null)]);
        Assert.Equal(157, ledger.Total.Hits);
        ledger.Take([("b", Report(51))]);
        Assert.Equal(158, ledger.Total.Hits);
    }

    [Fact]
    public void It_survives_the_wire()
    {
        MasterState state = new SampleDay().Pass(90).Look();
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(state, MasterJson.Default.MasterState);
        MasterState back = JsonSerializer.Deserialize(json, MasterJson.Default.MasterState)!;
        Assert.Equal(json, JsonSerializer.SerializeToUtf8Bytes(back, MasterJson.Default.MasterState));
        Assert.Contains("\"state\":\"in-service\"", System.Text.Encoding.UTF8.GetString(json), StringComparison.Ordinal);
    }

    [Fact]
    public void The_plots_hold_a_day_and_no_more()
    {
        var day = new DayPlot();
        for (int i = 0; i < 2 * DayPlot.Minutes; i++) day.Take(s_noon.AddMinutes(i), new Sample(i, 55, 1, 1, 0, new Tally(i, 0, 0)));
        IReadOnlyList<Minute?> all = day.Last(10_000);
        Assert.Equal(DayPlot.Minutes, all.Count);
        Assert.Equal(DayPlot.Minutes, all[0]!.Value.Demand);
        Assert.Equal((2 * DayPlot.Minutes) - 1, all[^1]!.Value.Demand);
        Assert.All(all, m => Assert.Equal(1, m!.Value.Hits));
    }

    [Fact]
    public void What_is_a_day_old_is_not_shown_in_a_gap_of_today()
    {
        var day = new DayPlot();
        for (int i = 0; i < DayPlot.Minutes; i++) day.Take(s_noon.AddMinutes(i), new Sample(1, 55, 1, 1, 0, default));
        day.Take(s_noon.AddMinutes(DayPlot.Minutes + 10), new Sample(2, 55, 1, 1, 0, default));
        Assert.All(day.Last(11).SkipLast(1), Assert.Null);
    }

    [Fact]
    public void A_gap_is_a_gap_and_a_minute_is_what_was_seen_in_it()
    {
        var day = new DayPlot();
        day.Take(s_noon, new Sample(10, 55, 1, 1, 0, new Tally(1000, 0, 0)));
        day.Take(s_noon.AddSeconds(30), new Sample(30, double.NaN, 2, 3, 2, new Tally(1060, 20, 5)));
        day.Take(s_noon.AddMinutes(3), new Sample(double.NaN, 55, 1, 1, 0, new Tally(1060, 20, 5)));
        IReadOnlyList<Minute?> last = day.Last(4);
        // What had been served before the first look is not of this day.
        Assert.Equal(new Minute(30, 55, 2, 2, 2, 60, 20, 5), last[0]);
        Assert.Null(last[1]);
        Assert.Null(last[2]);
        Assert.True(double.IsNaN(last[3]!.Value.Demand));
        Assert.Equal(4, day.Count);
    }

    [Fact]
    public void A_clock_that_jumps_breaks_no_plot()
    {
        var day = new DayPlot();
        foreach (int hours in (int[])[0, 1, -1, 30, -50, 2]) day.Take(s_noon.AddHours(hours), new Sample(1, 55, 1, 1, 1, default));
        Assert.InRange(day.Count, 1, DayPlot.Minutes);
        Assert.Contains("<svg", Plots.Of(day, new CostState { Currency = "USD", PeakPerHour = 1 }).ToString(), StringComparison.Ordinal);
        foreach (string path in Plots.Of(day, new CostState { Currency = "USD" }).ToString().Split("d=\"").Skip(1)) Assert.DoesNotContain("NaN", path.Split('"')[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_is_put_into_HTML_is_text_on_one_line()
    {
        string evil = "</script>\n<img src=x onerror=alert(1)>\"'&";
        string html = new Html().Add($"<p title=\"{evil}\">{evil}{3.5}{new Raw("<b>x</b>")}</p>").ToString();
        Assert.DoesNotContain("<img", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', html);
        Assert.EndsWith("3.5<b>x</b></p>", html, StringComparison.Ordinal);
        Assert.Equal(2, html.Split('"').Length - 1);
    }

    [Theory]
    [InlineData(null, "–")]
    [InlineData(0.0, "0")]
    [InlineData(0.456, "0.46")]
    [InlineData(54.96, "55")]
    [InlineData(1234567.0, "1 234 567")]
    public void Figures_are_short(double? value, string shown) => Assert.Equal(shown, Shown.Number(value));

    [Fact]
    public void Bytes_money_and_shares_are_said_as_people_do()
    {
        Assert.Equal("1.5 GB", Shown.Bytes(1_500_000_000));
        Assert.Equal("999 B", Shown.Bytes(999));
        Assert.Equal("0.085 USD", Shown.Money(0.085m, "USD"));
        Assert.Equal("12.35 EUR", Shown.Money(12.345m, "EUR"));
        Assert.Equal("93 %", Shown.Percent(0.93));
        Assert.Equal("0.7 %", Shown.Percent(0.007));
        Assert.Equal("20:30:05", Shown.Second(new DateTimeOffset(2026, 3, 6, 21, 30, 5, TimeSpan.FromHours(1))));
    }

    [Fact]
    public void The_figures_are_what_Prometheus_reads_and_name_no_address()
    {
        string text = Figures.Of(new SampleDay().Pass(60).Look());
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith('#')) continue;
            Assert.StartsWith("gc_master_", line, StringComparison.Ordinal);
            Assert.True(double.TryParse(line[(line.LastIndexOf(' ') + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out _), line);
        }

        Assert.Contains("gc_master_nodes{state=\"inservice\"} 4", text, StringComparison.Ordinal);
        Assert.Contains("gc_master_limit_most{limit=\"max\"} 8", text, StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2", text, StringComparison.Ordinal);
    }

    private static NodeReport Report(long hits) => new() { Node = "a", At = 1, Ready = true, Draining = false, Hits = hits, Misses = hits, SentBytes = hits };
}
