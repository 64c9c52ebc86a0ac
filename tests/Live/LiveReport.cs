using System.Globalization;
using System.Text;

namespace GlobalCache.Live;

/// <summary>A live run as one page.</summary>
internal static class LiveReport
{
    public static string Of(Town town, LiveSettings settings)
    {
        Book book = town.Book;
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"live, seed {settings.Seed}: {town.Clock.Now.TotalMinutes:0.0} min, {settings.Viewers} viewers behind {settings.Clients} clients, {town.Scene.Count} assets");
        Line($"  faults            {book.Struck.Values.Sum(),8}");
        foreach ((string kind, long times) in book.Struck.OrderBy(s => s.Key, StringComparer.Ordinal)) Line($"    {kind,-42}{times,8}");
        if (town.Disks.Count == 0) Line($"    full disks are left out: file systems must not be mounted here");
        Line($"  what viewers saw");
        foreach ((string outcome, long times) in book.Outcomes.OrderBy(s => s.Key, StringComparer.Ordinal)) Line($"    {outcome,-58}{times,8}");
        if (town.Grid.EndedForSilence.Count > 0) Line($"    ended by the grid, for silence: {string.Join("; ", town.Grid.EndedForSilence)}");
        Line($"  times over HTTP, ms          p50      p99    p99.9      max");
        Times(text, "the grid itself", town.Direct.All);
        Times(text, "through the client", book.InAll);
        Times(text, "more than the grid", book.OverDirect);
        Times(text, "restarts of a client", town.RestartsTook);
        Line($"  memory, MiB                 most     last");
        foreach ((string kind, (long most, long last)) in town.Memory.Seen) Line($"    {kind,-22}{most,8} {last,8}");
        Line($"  promises looked at: {string.Join(", ", book.Looked.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Key} {l.Value}")))}");
        foreach (Broken broken in book.Broken) Line($"  BROKEN at {broken.At:mm\\:ss\\.f}: {broken.Promise}: {broken.What}");
        foreach (Spell spell in book.Before([.. book.Broken.Select(b => b.At)])) Line($"    before it, {spell.From:mm\\:ss\\.f} – {(spell.Until == TimeSpan.MaxValue ? "" : spell.Until.ToString(@"mm\:ss\.f", CultureInfo.InvariantCulture))}: {spell.Kind} of {spell.Who}");
        if (book.BrokenCount > 0) Line($"  {book.BrokenCount} broken; the same faults come again with --live --minutes {Math.Ceiling(settings.Length.TotalMinutes)} --seed {settings.Seed}");
        else Line($"  none broken");
        return text.ToString();
    }

    public static void Times(StringBuilder text, string what, Delays times) =>
        text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"    {what,-22}{times.Percentile(50).TotalMilliseconds,8:0.0} {times.Percentile(99).TotalMilliseconds,8:0.0} {times.Percentile(99.9).TotalMilliseconds,8:0.0} {times.Most.TotalMilliseconds,8:0.0}"));
}
