using System.Net;
using System.Text.Json;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Ways;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace GlobalCache.Client.Commands;

/// <summary><c>globalcache stats</c>: what the owner's page shows, in a terminal, of a client that runs; the sums of one that does not.</summary>
internal sealed class Stats(ClientOptions options, IAnsiConsole console, TimeProvider time)
{
    public const string Command = "stats", Json = "json", Live = "live";

    private const int MaxBytes = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3), s_every = TimeSpan.FromSeconds(1);

    /// <summary>0; 1: no client runs, and none ever has.</summary>
    public async Task<int> RunAsync(bool json, bool live, CancellationToken stop)
    {
        using HttpClient client = Client();
        if (await FindAsync(client, options, port: null, stop) is not { } running)
        {
            if (KeptFigures.Read(FiguresKeeper.FileIn(options.Store)) is not { } kept)
            {
                console.WriteLine("No client runs, and none has yet: start one with “globalcache”.");
                return 1;
            }
            if (json) console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(kept, FiguresJson.Default.KeptFigures));
            else
            {
                console.WriteLine("No client runs. Until it ended last:");
                console.Write(Sums(("in all", ServedStatus.Of(kept.All, kept.SavedSeconds))));
            }
            return 0;
        }
        if (json)
        {
            console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(running.Now, StatusJson.Default.ClientStatus));
            return 0;
        }
        if (!live)
        {
            console.Write(View(running.Now, running.Page, most: 10));
            return 0;
        }
        await console.Live(View(running.Now, running.Page, Room())).StartAsync(async view =>
        {
            while (!stop.IsCancellationRequested && await AskAsync(client, running.Page, stop) is { } now)
            {
                view.UpdateTarget(View(now, running.Page, Room()));
                await Task.Delay(s_every, time, stop).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        });
        if (!stop.IsCancellationRequested) console.WriteLine("The client has ended.");
        return 0;
    }

    private int Room() => Math.Clamp(console.Profile.Height - 26, 3, 40);

    /// <summary>The first client of this user that answers, on this port if one is named; null: none does.</summary>
    public static async Task<(Uri Page, ClientStatus Now)?> FindAsync(ClientOptions options, int? port, CancellationToken stop)
    {
        using HttpClient client = Client();
        return await FindAsync(client, options, port, stop);
    }

    private static HttpClient Client() =>
        new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = s_patience, MaxResponseContentBufferSize = MaxBytes };

    private static async Task<(Uri Page, ClientStatus Now)?> FindAsync(HttpClient client, ClientOptions options, int? port, CancellationToken stop)
    {
        foreach (IPEndPoint endpoint in RunningMark.All(options.ConfigFolder).Where(e => port is null || e.Port == port))
        {
            var page = new Uri($"http://{endpoint}/p/{InstallToken.LoadOfPage(options.ConfigFolder).Text}/");
            if (await AskAsync(client, page, stop) is { } now) return (page, now);
        }
        return null;
    }

    private static async Task<ClientStatus?> AskAsync(HttpClient client, Uri page, CancellationToken stop)
    {
        try
        {
            return JsonSerializer.Deserialize(await client.GetByteArrayAsync(new Uri(page, "status"), stop), StatusJson.Default.ClientStatus);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or JsonException)
        {
            return null;
        }
    }

    private static IRenderable View(ClientStatus now, Uri page, int most)
    {
        var rows = new List<IRenderable>
        {
            new Markup($"[bold]GlobalCache[/] {now.Version.EscapeMarkup()} · {now.Viewers} {(now.Viewers == 1 ? "viewer" : "viewers")} logged in · {page.AbsoluteUri.EscapeMarkup()}"),
            Sums(("today", now.Today), ("in all", now.All)),
            new Text($"Store: {Shown.Bytes(now.Store.Bytes)} of {Shown.Bytes(now.Store.Budget)}, {now.Store.Assets} assets. {string.Join(", ", now.Work.Select(w => $"{w.What}: {w.Waiting}"))}."),
            new Text(now.Grid is { } grid ? $"Cache grid {grid.Name}, {grid.Nodes} nodes: {grid.Said} {string.Join(" ", grid.Worlds.Select(w => $"{w.World} is {(w.On ? "shared" : "not shared")}."))}" : "No cache grid is used."),
        };
        if (now.Visits.Count > 0)
        {
            Table visits = Plain("Visit since", "World", "Requests", "Not asked of the grid", "Waited", "Saved");
            foreach (VisitStatus visit in now.Visits.Take(5))
                visits.AddRow(Cells($"{visit.Began:HH:mm:ss}", visit.World.Length > 0 ? visit.World : "not known", $"{visit.Requests}", Shown.Bytes(visit.SavedBytes), Shown.Duration(visit.WaitedSeconds), Shown.Duration(visit.SavedSeconds)));
            rows.Add(visits);
        }
        if (now.Recent.Count > 0)
        {
            Table recent = Plain("At", "From", "What", "Bytes", "Took");
            foreach (RecentStatus one in now.Recent.Take(most))
                recent.AddRow(Cells($"{one.At:HH:mm:ss}", one.From, one.Type, Shown.Bytes(one.Bytes), one.Milliseconds > 0 ? $"{one.Milliseconds:0.#} ms" : ""));
            rows.Add(recent);
        }
        return new Rows(rows);
    }

    private static Table Sums(params (string When, ServedStatus Served)[] columns)
    {
        Table table = Plain(["", .. columns.Select(c => c.When)]);
        void Row(string what, Func<ServedStatus, string> value) => table.AddRow(Cells([what, .. columns.Select(c => value(c.Served))]));
        Row("Hit rate", s => Shown.Percent(s.HitRate));
        Row("Waiting saved", s => Shown.Duration(s.SavedSeconds));
        Row("Not asked of the grid", s => $"{Shown.Bytes(s.SavedBytes)} of {Shown.Bytes(s.Bytes)}");
        Row("Hits, shared, injected", s => $"{s.Hits}, {s.Shared}, {s.Injected}");
        Row("Misses, captured", s => $"{s.Misses}, {s.Captured}");
        return table;
    }

    private static Table Plain(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns) table.AddColumn(new TableColumn(new Text(column)).NoWrap());
        return table;
    }

    /// <summary>As text: what a grid has said is no markup.</summary>
    private static IEnumerable<IRenderable> Cells(params string[] texts) => texts.Select(t => new Text(t));
}
