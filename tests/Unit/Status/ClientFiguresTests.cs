using GlobalCache.Client.Figures;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Status;

public sealed class ClientFiguresTests
{
    private static readonly DateTimeOffset s_evening = new(2026, 11, 22, 21, 0, 0, TimeSpan.FromHours(1));
    private static readonly ClientStatus s_blank = new() { Version = "0", Now = s_evening, Since = s_evening, Viewers = 1, Store = new StoreStatus(0, 0, 1), Work = [] };
    private readonly object _scope = new(), _here = new(), _there = new();

    [Fact]
    public void Every_way_an_asset_can_come_is_counted_apart()
    {
        var figures = new ClientFigures();
        foreach (ServedFrom from in Enum.GetValues<ServedFrom>()) figures.Add(Here, new Served(from, AssetType.Texture, 10 * ((int)from + 1), TimeSpan.Zero), s_evening);
        ServedStatus today = figures.Tell(s_blank, s_evening).Today;
        Assert.Equal((1, 1, 1, 1, 1), (today.Hits, today.Shared, today.Misses, today.Injected, today.Captured));
        Assert.Equal(150, today.Bytes);
        Assert.Equal(10 + 20 + 40, today.SavedBytes);
        Assert.Equal(0.6, today.HitRate);
        Assert.Null(today.SavedSeconds);
    }

    [Fact]
    public void At_midnight_today_begins_anew_and_the_whole_goes_on()
    {
        var figures = new ClientFigures();
        figures.Add(Here, Hit(100), s_evening);
        DateTimeOffset next = s_evening.AddHours(3);
        figures.Add(Here, Hit(7), next);
        ClientStatus status = figures.Tell(s_blank, next);
        Assert.Equal((1, 7), (status.Today.Hits, status.Today.SavedBytes));
        Assert.Equal((2, 107), (status.All.Hits, status.All.SavedBytes));
        Assert.Equal(0, figures.Tell(s_blank, s_evening.AddHours(30)).Today.Hits);
    }

    [Fact]
    public void Sums_and_the_grids_pace_outlive_the_process_and_visits_do_not()
    {
        string folder = Directory.CreateTempSubdirectory("gc-fig-").FullName;
        try
        {
            string file = FiguresKeeper.FileIn(folder);
            var figures = new ClientFigures();
            Measure(figures, "world");
            figures.Add(Here, Hit(1_000_000), s_evening);
            figures.Close(s_evening);
            double saved = figures.Tell(s_blank, s_evening).All.SavedSeconds!.Value;
            Assert.Equal(1.1, saved, 2);
            Assert.True(figures.Changed(s_evening)!.TryWrite(file));
            Assert.Null(figures.Changed(s_evening));

            var after = new ClientFigures(KeptFigures.Read(file));
            ClientStatus status = after.Tell(s_blank, s_evening.AddMinutes(1));
            Assert.Equal((1, 1), (status.All.Hits, status.Today.Hits));
            Assert.Equal(saved, status.All.SavedSeconds!.Value, 6);
            Assert.Empty(status.Visits);
            after.Add(Here, Hit(1_000_000), s_evening.AddMinutes(2));
            Assert.Equal(1.1, after.Tell(s_blank, s_evening.AddMinutes(2)).Visits.Single().SavedSeconds!.Value, 2);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}x")]
    [InlineData("""{"all":{"requests":[1],"bytes":[1]}}""")]
    [InlineData("""{"all":{"requests":[1,1,1,1,-1],"bytes":[1,1,1,1,1]}}""")]
    [InlineData("""{"paces":{"w":{"firstByte":"00:00:01","bytesPerSecond":0}}}""")]
    [InlineData("""{"all":null}""")]
    public void Figures_that_cannot_be_are_none(string text)
    {
        string folder = Directory.CreateTempSubdirectory("gc-fig-").FullName;
        try
        {
            File.WriteAllText(FiguresKeeper.FileIn(folder), text);
            Assert.Null(KeptFigures.Read(FiguresKeeper.FileIn(folder)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_visit_ends_with_the_region_with_five_quiet_minutes_and_with_the_client()
    {
        var figures = new ClientFigures();
        figures.Add(Here, Hit(1), s_evening);
        figures.Add(Here, Hit(1), s_evening.AddMinutes(4));
        figures.Add(new Visitor(_scope, _there, "world"), Hit(1), s_evening.AddMinutes(5));
        Assert.Equal([1, 2], figures.Tell(s_blank, s_evening.AddMinutes(5)).Visits.Select(v => v.Requests));
        figures.Add(new Visitor(_scope, _there, "world"), Hit(1), s_evening.AddMinutes(11));
        Assert.Equal([1, 1, 2], figures.Tell(s_blank, s_evening.AddMinutes(11)).Visits.Select(v => v.Requests));
        figures.Close(s_evening.AddMinutes(11));
        Assert.Equal(3, figures.Tell(s_blank, s_evening.AddMinutes(11)).Visits.Count);
    }

    [Fact]
    public void Two_viewers_have_a_visit_each_and_no_more_are_remembered_than_fit()
    {
        var figures = new ClientFigures();
        for (int i = 0; i < 100; i++) figures.Add(new Visitor(new object(), null, "world"), Hit(i), s_evening.AddSeconds(i));
        ClientStatus status = figures.Tell(s_blank, s_evening.AddSeconds(100));
        Assert.Equal(ClientFigures.MostVisits, status.Visits.Count);
        Assert.Equal(100, status.All.Hits);
    }

    [Fact]
    public void The_last_requests_are_told_the_latest_first()
    {
        var figures = new ClientFigures();
        for (int i = 1; i <= ClientFigures.MostRecent + 20; i++) figures.Add(Here, Hit(i), s_evening);
        IReadOnlyList<RecentStatus> recent = figures.Tell(s_blank, s_evening).Recent;
        Assert.Equal(Enumerable.Range(21, ClientFigures.MostRecent).Reverse().Select(n => (long)n), recent.Select(r => r.Number));
        Assert.All(recent, r => Assert.Equal(r.Number, r.Bytes));
    }

    private Visitor Here => new(_scope, _here, "world");

    private static Served Hit(long bytes) => new(ServedFrom.Hit, AssetType.Texture, bytes, TimeSpan.Zero);

    private static void Measure(ClientFigures figures, string world)
    {
        for (int i = 0; i < 10; i++) figures.Measured(world, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), 1_000_000);
    }
}
