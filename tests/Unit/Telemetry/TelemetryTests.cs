using System.Text.RegularExpressions;
using GlobalCache.Demo.Founding;
using GlobalCache.Policy;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Assets;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Telemetry;

/// <summary>Client, node and master as processes, with a collector: what is documented arrives there, and nothing that names an asset or a person.</summary>
[Collection("load")]
public sealed partial class TelemetryTests
{
    private static readonly (string Name, string Value)[] s_variables =
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_METRIC_EXPORT_INTERVAL", "500"), ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ];

    /// <summary>Some of each program's: a quiet grid has not all of them.</summary>
    private static readonly string[] s_figures =
        ["gc_node_misses", "gc_node_heap_bytes", "gc_master_leads", "gc_master_nodes", "gc_master_limit_most", "globalcache.client.hits", "globalcache.client.store.sent"];

    [Fact]
    public async Task What_is_documented_arrives_at_a_collector_and_nothing_that_names_an_asset_or_a_person()
    {
        await using OtlpReceiver collector = await OtlpReceiver.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        using var folder = new TemporaryFolder();
        Guid asset = origin.Add(SyntheticAssets.Texture(1, 50_000, 512, 512));
        string world = origin.Url.Authority;
        var policy = new GridPolicy
        {
            Grids = [new SharedGrid { Id = world, Authorities = ["127.0.0.1"] }],
            Vouching = new VouchingPolicy { Lead = 1 },
            Scaling = new ScalingPolicy { Max = 2 },
        };
        (string, string)[] variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url), .. s_variables];
        string invite, token;
        await using (var master = new MasterProcess(Path.Combine(folder.Path, "master"), policy, 100_000_000, network: 71, TimeProvider.System) { Logged = SecretWatch.Hear })
        {
            foreach ((string name, string value) in variables) Environment.SetEnvironmentVariable(name, value);
            try
            {
                invite = await master.StartAsync();
                await master.SaidAsync(h => h.Reason == "It is in service.", TimeSpan.FromSeconds(60));
                using (var join = new ClientProcess(folder.Path, "join", invite)) Assert.True(await join.ExitAsync() == 0, join.Error);
                string file = Directory.GetFiles(Path.Combine(folder.Path, "config", "globalcache"), "grid-*.json").Single();
                using var client = new ClientProcess(folder.Path, "--port", "0", "--asset-only", "--asset-upstream", new Uri(origin.Url, "/cap").AbsoluteUri, "--grid", file, "--share", world);
                Uri assets = new(AssetUrl().Match(await client.SaidAsync("What it does")).Value);
                token = assets.Segments[^1];
                using var viewer = new HttpClient();
                // Now from the store, now unknown, and quiet between: claims wait until no viewer does.
                for (int i = 0; i < 20 && Missing(collector).Length > 0; i++)
                {
                    foreach (Guid one in (Guid[])[asset, origin.Add(SyntheticAssets.Texture(2 + i, 5_000, 64, 64))]) Assert.NotEmpty(await viewer.GetByteArrayAsync($"{assets}/?texture_id={one}"));
                    await Task.Delay(TimeSpan.FromSeconds(3));
                }
                Assert.Empty(Missing(collector));
                client.Interrupt();
                Assert.Equal(0, await client.ExitAsync());
            }
            finally
            {
                foreach ((string name, _) in variables) Environment.SetEnvironmentVariable(name, null);
            }
        }
        string told = collector.Text;
        foreach (string service in (string[])["globalcache-client", "globalcache-node", "globalcache-master"]) Assert.Contains(service, told, StringComparison.Ordinal);
        foreach (string secret in (string[])[$"{asset:D}", $"{asset:N}", token, invite, world]) Assert.DoesNotContain(secret, told, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("url.path", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_its_variables_nothing_listens()
    {
        Assert.Null(Client.Ways.Telemetry.Of("x", "x", "1"));
        Assert.Null(Office.Serving.Telemetry.Of("x", "x", "1"));
    }

    private static string[] Missing(OtlpReceiver collector)
    {
        string told = collector.Text;
        return [.. Spans().Where(name => !told.Contains($"*{(char)name.Length}{name}", StringComparison.Ordinal)), .. s_figures.Where(name => !told.Contains($"\n{(char)name.Length}{name}", StringComparison.Ordinal))];
    }

    /// <summary>What docs/OBSERVABILITY.md says of traces, but for what a grid without liars has none of. In the protocol a span's name is field 5, a metric's field 1.</summary>
    private static IEnumerable<string> Spans()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OBSERVABILITY.md"));
        string traces = page[page.IndexOf("## Traces", StringComparison.Ordinal)..page.IndexOf("## Alerts", StringComparison.Ordinal)];
        return Row().Matches(traces).Select(row => row.Groups["name"].Value).Where(name => name != "disputes");
    }

    [GeneratedRegex(@"(?<=VIEWERASSET=)http://\S+", RegexOptions.None, 1000)]
    private static partial Regex AssetUrl();

    [GeneratedRegex(@"^\| `(?<name>[a-z.]+)` \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();
}
