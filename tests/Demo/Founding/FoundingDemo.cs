using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace GlobalCache.Demo.Founding;

/// <summary>The scenario as a program: a line for every few seconds, every step of the master with its reason, and what came of it.</summary>
internal static class FoundingDemo
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(bool json)
    {
        if (CachingResolver.Program is null)
        {
            Console.Error.WriteLine("The scenario needs a caching resolver: install unbound.");
            return 2;
        }
        string folder = Directory.CreateTempSubdirectory("globalcache-founding-").FullName;
        int told = 0;
        try
        {
            FoundingResult result = await FoundingRun.RunAsync(folder, new Curve(Warm: 30, Rise: 200, High: 40, Fall: 40, Low: 150), hurry: 10, network: 61, TimeProvider.System, json ? null : Tell);
            bool ok = Judge(result, json);
            return ok ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Tell(FoundingSecond second, IReadOnlyList<HistoryLine> history)
        {
            foreach (HistoryLine line in history.Skip(told).Where(h => h.What is not ("said" or "tell"))) AnsiConsole.MarkupLineInterpolated($"[yellow]        {line.Node,-10} {line.What,-7}[/] {line.Reason}");
            told = history.Count;
            if ((int)second.At % 5 == 0) AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{second.At,5:0} s  {second.Demand,4:0} requests/s  {second.InDns} in the DNS");
        }
    }

    /// <summary>Whether it went as it was to go.</summary>
    public static bool IsAsPromised(FoundingResult result) =>
        result is { RequestsLost: 0, RequestsShed: 0, Opened: 1, Closed: 1, LoadThen: <= 0.92, QuietBeforeTheEnd: >= 0 } && result.ShareAtTheTop is > 0.25 and < 0.75 && result.Seconds[^1].InDns == 1;

    private static bool Judge(FoundingResult result, bool json)
    {
        bool ok = IsAsPromised(result);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                ok,
                result.RequestsSent,
                result.RequestsServed,
                result.RequestsShed,
                result.RequestsLost,
                result.SecondInDnsAt,
                result.LoadThen,
                result.Opened,
                result.Closed,
                result.ShareAtTheTop,
                result.QuietBeforeTheEnd,
                history = result.History.Where(h => h.What != "said").Select(h => new { at = Math.Round(h.At.TotalSeconds, 1), h.Node, h.What, h.Reason }),
                seconds = result.Seconds,
            }, s_json));
            return ok;
        }
        AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"""

            {result.RequestsSent} requests, {result.RequestsServed} served, {result.RequestsShed} shed, [bold]{result.RequestsLost} lost[/].
            The second node was in the DNS at {result.SecondInDnsAt:0} s, at {100 * result.LoadThen:0} % of one node; it had {100 * result.ShareAtTheTop:0} % of the requests at the top.
            Opened {result.Opened}, closed {result.Closed}; its last request came {result.QuietBeforeTheEnd:0.0} s before its end.
            """);
        foreach (string failure in result.Failures) AnsiConsole.MarkupLineInterpolated($"[red]lost: {failure}[/]");
        if (!ok) AnsiConsole.MarkupLine("[red]That is not as promised.[/]");
        return ok;
    }
}
