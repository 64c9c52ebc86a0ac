using System.Globalization;
using System.Text.Json;
using GlobalCache.TestGrid.Viewer;
using Spectre.Console;

namespace GlobalCache.Demo;

/// <summary>The three visits side by side, for a person and for a program.</summary>
internal static class DemoReport
{
    public static Table Table(IEnumerable<(SceneVisit Visit, long Store)> visits)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumns("visit", "requests", "grid requests", "grid bytes", "store bytes", "first byte p50 / p95", "last byte p50 / p95", "scene complete");
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        foreach ((SceneVisit v, long store) in visits)
        {
            table.AddRow(v.Name, v.Scene.Requests.ToString(CultureInfo.InvariantCulture), v.GridRequests.ToString(CultureInfo.InvariantCulture),
                Bytes(v.GridBytesInAll), Bytes(store),
                $"{Milliseconds(v.Scene.FirstByte(50))} / {Milliseconds(v.Scene.FirstByte(95))}",
                $"{Milliseconds(v.Scene.LastByte(50))} / {Milliseconds(v.Scene.LastByte(95))}",
                string.Create(CultureInfo.InvariantCulture, $"{v.Scene.Complete.TotalSeconds:0.00} s"));
        }

        return table;
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

    public static string Bytes(long count) => count < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{count / 1024.0:0.#} KiB")
        : string.Create(CultureInfo.InvariantCulture, $"{count / 1048576.0:0.00} MiB");

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.0} ms");
}
