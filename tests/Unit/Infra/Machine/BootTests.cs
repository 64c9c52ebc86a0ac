using GlobalCache.Policy.Wire;

namespace GlobalCache.Tests.Infra.Machine;

/// <summary>The image's result starts: systemd fetches the settings and runs the published program in its hardened unit.</summary>
/// <remarks>Where a cloud would be needed, the program is told a grid of its own instead: nothing else of its unit is changed.</remarks>
[Collection("image")]
public sealed class BootTests(ImageMachine machine)
{
    private const string Node = "globalcache-node.service";
    private const string NodeReady = "http://127.0.0.1:12444/readyz";
    private const string Master = "globalcache-master.service";

    [Fact]
    public async Task A_node_serves_is_watched_and_ends_when_told()
    {
        Layer layer = await machine.LayerAsync();
        layer.Write($"etc/systemd/system/{Node}.d/here.conf", """
            [Service]
            ExecStart=
            ExecStart=/opt/globalcache/node/globalcache-node --data /var/lib/globalcache --listen 127.0.0.1:443 --private 127.0.0.1:12444 --share agni --drain 1
            """);
        const string settings = "role=node\nregion=eu-central-1\n";
        await using Booted booted = await machine.BootAsync(layer, settings);
        await booted.UntilAsync(Answers(NodeReady));
        TestContext.Current.TestOutputHelper?.WriteLine($"A node was ready {booted.Age.TotalSeconds:0.0} s after its machine's first process began.");

        // For clients too: what a TLS handshake needs of the machine is there.
        await booted.UntilAsync(Answers($"https://127.0.0.1{NodeApi.Health}"), TimeSpan.FromSeconds(20));

        Assert.Equal(settings, (await booted.RunAsync("cat", "/run/globalcache/node.settings")).Text);
        IReadOnlyDictionary<string, string> node = await booted.ShowAsync(Node, "ActiveState", "MainPID", "WatchdogTimestampMonotonic", "NRestarts");
        Assert.Equal(("active", "0"), (node["ActiveState"], node["NRestarts"]));
        // It has said that it lives.
        Assert.NotEqual("0", node["WatchdogTimestampMonotonic"]);
        await BoundAsync(booted, node["MainPID"]);
        IReadOnlyDictionary<string, string> master = await booted.ShowAsync(Master, "ActiveState", "ConditionResult");
        Assert.Equal(("inactive", "no"), (master["ActiveState"], master["ConditionResult"]));

        // One that hangs is ended and started anew: shown with a watchdog of some seconds instead of thirty.
        await booted.RunAsync("sh", "-c", $"mkdir -p /run/systemd/system/{Node}.d && printf '[Service]\\nWatchdogSec=3\\n' >/run/systemd/system/{Node}.d/soon.conf && systemctl daemon-reload && systemctl restart {Node}");
        await booted.UntilAsync(Answers(NodeReady));
        string hung = (await booted.ShowAsync(Node, "MainPID"))["MainPID"];
        await booted.RunAsync("kill", "-STOP", hung);
        await booted.UntilAsync($"test \"$(systemctl show {Node} --property=MainPID --value)\" != {hung} && {Answers(NodeReady)}");
        Assert.Contains("Watchdog timeout", await booted.JournalAsync(Node), StringComparison.Ordinal);

        await StopAsync(booted, Node);
    }

    [Fact]
    public async Task A_master_is_ready_and_ends_when_told()
    {
        Layer layer = await machine.LayerAsync();
        layer.Write($"etc/systemd/system/{Master}.d/here.conf", """
            [Service]
            ExecStart=
            ExecStart=/opt/globalcache/master/globalcache-master --data /var/lib/globalcache --listen 127.0.0.1:443 --private 127.0.0.1:12441 --nodes 127.0.0.9 --share agni
            """);
        await using Booted booted = await machine.BootAsync(layer, "role=master\nregion=eu-central-1\n");
        await booted.UntilAsync(Answers($"https://127.0.0.1{NodeApi.Health}"));
        TestContext.Current.TestOutputHelper?.WriteLine($"A master was ready {booted.Age.TotalSeconds:0.0} s after its machine's first process began.");
        IReadOnlyDictionary<string, string> master = await booted.ShowAsync(Master, "ActiveState", "MainPID", "WatchdogTimestampMonotonic");
        Assert.Equal("active", master["ActiveState"]);
        Assert.NotEqual("0", master["WatchdogTimestampMonotonic"]);
        await BoundAsync(booted, master["MainPID"]);
        Assert.Equal("no", (await booted.ShowAsync(Node, "ConditionResult"))["ConditionResult"]);
        await StopAsync(booted, Master);
    }

    private static string Answers(string address) => $"curl --silent --fail --insecure --max-time 2 --output /dev/null {address}";

    /// <summary>What the kernel holds the program to: not root, port 443 and nothing else of root's, no way to more, a filter of system calls.</summary>
    private static async Task BoundAsync(Booted booted, string process)
    {
        Dictionary<string, string> status = (await booted.RunAsync("cat", $"/proc/{process}/status")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => l.Split(':', 2)).ToDictionary(l => l[0], l => l[1].Trim());
        Assert.InRange(int.Parse(status["Uid"].Split('\t')[0]), 61_184, 65_519);
        Assert.Equal("0000000000000400", status["CapEff"]);
        Assert.Equal("0000000000000400", status["CapBnd"]);
        Assert.Equal(("1", "2"), (status["NoNewPrivs"], status["Seccomp"]));
    }

    private static async Task StopAsync(Booted booted, string unit)
    {
        await booted.RunAsync("systemctl", "stop", unit);
        IReadOnlyDictionary<string, string> ended = await booted.ShowAsync(unit, "ActiveState", "Result", "ExecMainCode", "ExecMainStatus");
        // Of its own accord, with nothing to complain of.
        Assert.Equal(("inactive", "success", "1", "0"), (ended["ActiveState"], ended["Result"], ended["ExecMainCode"], ended["ExecMainStatus"]));
    }
}
