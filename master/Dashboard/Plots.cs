using System.Globalization;
using System.Text;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>
/// The last day as curves: SVG paths, made here, so that the page shows them without a script. Letters stand outside the pictures, which are stretched to the
/// width there is: they stay readable on a phone.
/// </summary>
internal static class Plots
{
    private const int Width = 480, Height = 100, ShortestMinutes = 15;

    private static readonly double[] s_round = [1, 2, 4, 5, 6, 8, 10, 20];

    private sealed record Curve(string Class, string Name, Func<Minute, double> Of, bool IsStep = false);

    /// <summary>All of them.</summary>
    public static Html Of(DayPlot day, CostState cost)
    {
        int minutes = Math.Clamp(day.Count, ShortestMinutes, DayPlot.Minutes);
        IReadOnlyList<Minute?> all = day.Last(minutes);
        DateTimeOffset end = day.End;
        var html = new Html();
        if (all.Count == 0) return html.Add($"<p class=\"note\">Nothing has been seen yet.</p>");
        Plot(html, "Demand", "requests/s", Shown.Number, all, end, null, new("b", "capacity in service", m => m.Capacity, true), new("a", "demand", m => m.Demand));
        Plot(html, "Nodes", "nodes", Shown.Number, all, end, null, new Curve("a", "nodes that serve or are to", m => m.Nodes, true));
        if (cost.PeakPerHour > 0)
        {
            Plot(html, "Cost an hour", cost.Currency, v => Shown.Money((decimal)(v ?? 0), ""), all, end, null,
                new("b", $"a fixed fleet of {cost.PeakNodes}", _ => (double)cost.PeakPerHour), new("a", "this fleet", m => (double)m.Spend, true));
        }

        Plot(html, "Hit rate", "of asset requests", Shown.Percent, all, end, 1, new Curve("a", "answered from the cache", m => m.Hits + m.Misses > 0 ? (double)m.Hits / (m.Hits + m.Misses) : double.NaN));
        return html;
    }

    private static void Plot(Html html, string title, string unit, Func<double?, string> shown, IReadOnlyList<Minute?> minutes, DateTimeOffset end, double? top, params Curve[] curves)
    {
        double[][] values = [.. curves.Select(c => Thin(minutes, c.Of))];
        double most = top ?? Ceiling(values.SelectMany(v => v).Where(double.IsFinite).DefaultIfEmpty(0).Max());
        string said = string.Join("; ", curves.Select((c, i) => $"{c.Name}: {Said(values[i], shown)}"));
        html.Add($"<figure><figcaption><b>{title}</b> <span class=\"unit\">{unit}</span> ");
        foreach (Curve curve in curves) html.Add($"<span class=\"key {curve.Class}\">{curve.Name}</span> ");
        html.Add($"</figcaption><div class=\"plot\"><span class=\"most\">{shown(most)}</span><span class=\"least\">0</span>");
        html.Add($"<svg viewBox=\"0 0 {Width} {Height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title}, {unit}. {said}.\">");
        html.Add($"<path class=\"rule\" d=\"M0 {Height / 2}H{Width}M0 0H{Width}M0 {Height}H{Width}\"/>");
        for (int i = 0; i < curves.Length; i++) html.Add($"<path class=\"curve {curves[i].Class}\" d=\"{Path(values[i], most, curves[i].IsStep)}\"/>");
        DateTimeOffset begin = end - TimeSpan.FromMinutes(minutes.Count - 1);
        html.Add($"</svg></div><div class=\"hours\"><span>{Shown.Clock(begin)}</span><span>{Shown.Clock(begin + ((end - begin) / 2))}</span><span>{Shown.Clock(end)}</span></div></figure>");
    }

    // The highest of each few minutes: a peak must not vanish.
    private static double[] Thin(IReadOnlyList<Minute?> minutes, Func<Minute, double> of)
    {
        int each = Math.Max(1, (minutes.Count + Width - 1) / Width);
        var thin = new double[(minutes.Count + each - 1) / each];
        Array.Fill(thin, double.NaN);
        for (int i = 0; i < minutes.Count; i++)
        {
            if (minutes[i] is not { } minute || of(minute) is not (var value and not double.NaN)) continue;
            ref double at = ref thin[i / each];
            if (double.IsNaN(at) || value > at) at = value;
        }

        return thin;
    }

    private static string Path(double[] values, double most, bool isStep)
    {
        var path = new StringBuilder();
        double wide = (double)Width / Math.Max(1, values.Length - (isStep ? 0 : 1));
        bool isOpen = false;
        double before = double.NaN;
        for (int i = 0; i < values.Length; i++)
        {
            if (!double.IsFinite(values[i]))
            {
                isOpen = false;
                continue;
            }

            double y = Height * (1 - Math.Clamp(values[i] / most, 0, 1));
            if (!isOpen) path.Append(CultureInfo.InvariantCulture, $"M{i * wide:0.#} {y:0.#}");
            else if (!isStep) path.Append(CultureInfo.InvariantCulture, $"L{i * wide:0.#} {y:0.#}");
            else if (y != before) path.Append(CultureInfo.InvariantCulture, $"V{y:0.#}");
            if (isStep) path.Append(CultureInfo.InvariantCulture, $"H{(i + 1) * wide:0.#}");
            else if (!isOpen) path.Append('h').Append("0.5");
            (isOpen, before) = (true, y);
        }

        return path.ToString();
    }

    // Half of it is a round figure too.
    private static double Ceiling(double value)
    {
        if (value <= 0) return 1;
        double power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return s_round.Select(f => f * power).First(c => c >= value * 0.9999);
    }

    private static string Said(double[] values, Func<double?, string> shown)
    {
        double[] known = [.. values.Where(double.IsFinite)];
        return known.Length == 0 ? "not known" : $"last {shown(known[^1])}, highest {shown(known.Max())}, lowest {shown(known.Min())}";
    }
}
