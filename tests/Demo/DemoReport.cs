using System.Globalization;
using System.Text.Json;
using GlobalCache.TestGrid.Viewer;
using Spectre.Console;

namespace GlobalCache.Demo;

/// <summary>The three visits side by side, for a person and for a program.</summary>
internal static class DemoReport
{
    public static Table Table(IReadOnlyList<(SceneVisit Visit, long Store)> visits)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("");
        foreach ((SceneVisit visit, _) in visits) table.AddColumn(new TableColumn(visit.Name).RightAligned());
        Row("requests of the viewer", v => Count(v.Visit.Scene.Requests));
        Row("requests to the grid", v => Count(v.Visit.GridRequests));
        Row("bytes from the grid", v => Bytes(v.Visit.GridBytesInAll));
        Row("bytes from the store", v => Bytes(v.Store));
        Row("time to first byte, median", v => Milliseconds(v.Visit.Scene.FirstByte(50)));
        Row("time to first byte, 95 %", v => Milliseconds(v.Visit.Scene.FirstByte(95)));
        Row("time to last byte, median", v => Milliseconds(v.Visit.Scene.LastByte(50)));
        Row("time to last byte, 95 %", v => Milliseconds(v.Visit.Scene.LastByte(95)));
        Row("scene complete", v => string.Create(CultureInfo.InvariantCulture, $"{v.Visit.Scene.Complete.TotalSeconds:0.00} s"));
        return table;

        void Row(string what, Func<(SceneVisit Visit, long Store), string> figure) => table.AddRow([what, .. visits.Select(figure)]);
    }

    public static string Json(IEnumerable<(SceneVisit Visit, long Store)> visits, bool ok)
    {
        var report = visits.ToDictionary(v => v.Visit.Name, object (v) => new
        {
            requests = v.Visit.Scene.Requests,
            gridRequests = v.Visit.GridRequests,
            gridBytes = v.Visit.GridBytesInAll,
            gridBytesUntilComplete = v.Visit.GridBytes,
            storeBytes = v.Store,
            firstByteMilliseconds = new { p50 = v.Visit.Scene.FirstByte(50).TotalMilliseconds, p95 = v.Visit.Scene.FirstByte(95).TotalMilliseconds },
            lastByteMilliseconds = new { p50 = v.Visit.Scene.LastByte(50).TotalMilliseconds, p95 = v.Visit.Scene.LastByte(95).TotalMilliseconds },
            sceneCompleteSeconds = v.Visit.Scene.Complete.TotalSeconds,
            failed = v.Visit.Scene.Failed.Count,
            wrong = v.Visit.Scene.Wrong.Count,
        });
        report["ok"] = ok;
        return JsonSerializer.Serialize(report);
    }

    private static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);

    public static string Bytes(long count) => count < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{count / 1024.0:0.#} KiB")
        : string.Create(CultureInfo.InvariantCulture, $"{count / 1048576.0:0.00} MiB");

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.0} ms");
}
