using System.Net;
using GlobalCache.Client;
using GlobalCache.Client.Ways;

namespace GlobalCache.Tests.Ways;

public sealed class CommandLineTests
{
    [Fact]
    public void The_value_of_an_unknown_option_is_no_mistake_of_its_own() =>
        Assert.Equal(["Unrecognized command or argument '--colour'. See --help."], CommandLine.Read(["--colour", "red"]).Errors);

    [Fact]
    public void Without_anything_it_is_second_life_on_12080()
    {
        CommandLine line = Read();
        Assert.Empty(line.Errors);
        Assert.Equal((12080, IPAddress.Loopback, 10_000_000_000, true, true),
            (line.Options.Port!.Value, line.Options.Listen, line.Options.StoreBytes, line.Options.LoginProxy, line.Options.SecondLife));
        Assert.Equal(ClientOptions.SecondLifeAssets, line.Options.Assets);
    }

    [Fact]
    public void Every_option_is_read()
    {
        string ca = typeof(CommandLineTests).Assembly.Location;
        CommandLine line = Read("--login-uri", "http://grid.example:8002/", "--port", "0", "--store", "/tmp/a store", "--store-size", "500MB",
            "--asset-upstream", "http://assets.example/x", "--asset-only", "--web-proxy", "--cdn-host", "cdn.example", "--resolver", "192.0.2.1",
            "--ca", ca, "--grid-domain", "a.example, b.example");
        Assert.Empty(line.Errors);
        ClientOptions o = line.Options;
        Assert.Equal(("http://grid.example:8002/", 0, "/tmp/a store", 500_000_000, "http://assets.example/x", true, true, "cdn.example", "192.0.2.1:53", ca, false),
            (o.LoginUri.AbsoluteUri, o.Port!.Value, o.Store, o.StoreBytes, o.AssetUpstream!.AbsoluteUri, o.AssetOnly, o.WebProxy, o.CdnHost,
                o.Resolver!.ToString(), o.CaFile, o.LoginProxy));
        Assert.Equal(["a.example", "b.example"], o.GridDomains);
    }

    [Fact]
    public void The_file_knows_every_option_and_the_limits_and_the_command_line_wins()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "c.json");
        File.WriteAllText(file, """
            {
              // Comments are allowed.
              "login-uri": "http://grid.example/", "port": 1234, "store-size": "2GiB", "web-proxy": true, "asset-upstream": "http://assets.example/",
              "Limits": { "MaxSessions": 3, "LocalReadDeadline": "00:00:05" },
            }
            """);
        CommandLine line = CommandLine.Read(["--config", file, "--port", "4321"]);
        Assert.Empty(line.Errors);
        ClientOptions o = line.Options;
        Assert.Equal(("http://grid.example/", 4321, 2L << 30, true, 3, TimeSpan.FromSeconds(5)),
            (o.LoginUri.AbsoluteUri, o.Port!.Value, o.StoreBytes, o.WebProxy, o.Limits.MaxSessions, o.Limits.LocalReadDeadline));
        // Every name of the table is a name of the file: none of them is unknown.
        File.WriteAllText(file, "{" + string.Join(',', Setting.All.Select(s => $"\"{s.Name}\": \"\"")) + "}");
        Assert.DoesNotContain(CommandLine.Read(["--config", file]).Errors, error => error.Contains("there is no option", StringComparison.Ordinal));
    }

    [Fact]
    public void What_stands_behind_run_is_the_viewers_whatever_it_looks_like()
    {
        CommandLine line = Read("--store", "run", "run", "--store-size", "1GB", "sh", "--port", "7", "--grid", "agni", "run");
        Assert.Empty(line.Errors);
        Assert.Equal(["sh", "--port", "7", "--grid", "agni", "run"], line.Viewer);
        Assert.Equal(("run", 1_000_000_000, 0), (line.Options.Store, line.Options.StoreBytes, line.Options.Port!.Value));
        Assert.Equal(7, Read("--port", "7", "run", "sh").Options.Port);
        Assert.Contains("run needs the viewer's command behind it.", Read("run").Errors);
    }

    [Theory]
    [InlineData("500MB", 500_000_000)]
    [InlineData("10GB", 10_000_000_000)]
    [InlineData("10 gb", 10_000_000_000)]
    [InlineData("1.5GiB", 1_610_612_736)]
    [InlineData("200000000", 200_000_000)]
    [InlineData("1T", 1_000_000_000_000)]
    [InlineData("GB", -1)]
    [InlineData("ten", -1)]
    [InlineData("10XB", -1)]
    [InlineData("-1GB", -1)]
    [InlineData("1e9", -1)]
    [InlineData("10BG", -1)]
    [InlineData("99999999999TB", -1)]
    public void A_size_is_read_with_its_unit(string text, long bytes)
    {
        CommandLine line = Read("--store-size", text);
        Assert.Equal(bytes < 0 ? 1 : 0, line.Errors.Count);
        if (bytes >= 0) Assert.Equal(bytes, line.Options.StoreBytes);
    }

    [Theory]
    [InlineData("--allow-remote needs an asset server", "--asset-upstream", "--login-uri", "http://grid.example/", "--allow-remote", "--listen", "0.0.0.0")]
    [InlineData("--asset-only needs one too", "--asset-upstream", "--login-uri", "http://grid.example/", "--asset-only")]
    [InlineData("an open proxy", "open proxy", "--allow-remote", "--listen", "0.0.0.0", "--web-proxy")]
    [InlineData("no host name", "no host name", "--cdn-host", "http://cdn.example/")]
    [InlineData("a second value", "--port", "--port", "1", "--port", "2")]
    [InlineData("no value", "--port", "--port")]
    [InlineData("a stray word", "stray", "stray")]
    [InlineData("no configuration file", "names no file", "--config", "/no/such/file")]
    public void What_does_not_go_together_is_one_line(string why, string said, params string[] args)
    {
        CommandLine line = Read(args);
        Assert.True(line.Errors.Count == 1 && line.Errors[0].Contains(said, StringComparison.Ordinal), $"{why}: {string.Join(" | ", line.Errors)}");
        Assert.DoesNotContain('\n', line.Errors[0]);
    }

    [Fact]
    public void With_remote_machines_the_login_proxy_is_off() =>
        Assert.False(Read("--allow-remote", "--listen", "0.0.0.0").Options.LoginProxy);

    [Fact]
    public void Help_names_every_option()
    {
        string help = Read("--help").Answer!;
        Assert.All(Setting.All, setting => Assert.Contains("--" + setting.Name, help, StringComparison.Ordinal));
        Assert.NotNull(CommandLine.Read(["--version"]).Answer);
    }

    [Fact]
    public void The_install_token_stays_and_is_the_owners_alone()
    {
        using var folder = new TemporaryFolder();
        string config = Path.Combine(folder.Path, "globalcache"), file = Path.Combine(config, "install.token");
        InstallToken token = InstallToken.Load(config);
        Assert.Matches("^[0-9]{40}$", token.Text);
        Assert.Equal(token.Text, InstallToken.Load(config).Text);
        Assert.True(token.Matches(token.Text));
        Assert.False(token.Matches(token.Text.AsSpan(1)) || token.Matches(token.Text + "0") || token.Matches("") || token.Matches(new string('é', 40)));
        File.WriteAllText(file, "damaged");
        Assert.NotEqual(token.Text, InstallToken.Load(config).Text);
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        string known = InstallToken.Load(config).Text;
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.NotEqual(known, InstallToken.Load(config).Text);
    }

    [Fact]
    public void A_token_that_a_viewer_may_hold_since_an_earlier_version_stays()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "install.token"), text = "0123456789abcdef0123456789abcdef";
        File.WriteAllText(file, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        InstallToken token = InstallToken.Load(folder.Path);
        Assert.Equal(text, token.Text);
        Assert.True(token.Matches(text));
    }

    [Theory]
    [InlineData(true, "run", "/bin/sh")]
    [InlineData(false, "--login-uri", "http://grid.example.org:8002/", "run", "/bin/sh")]
    [InlineData(false, "--asset-only", "run", "/bin/sh")]
    [InlineData(false)]
    public void A_viewer_that_is_started_for_Second_Life_is_started_behind_the_web_proxy(bool on, params string[] args)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the viewer of this test is a shell");
        CommandLine line = Read(args);
        Assert.Empty(line.Errors);
        Assert.Equal(on, line.Options.WebProxy);
    }

    private static CommandLine Read(params string[] args)
    {
        // Whoever runs the tests may have a configuration of their own.
        if (args.Contains("--config")) return CommandLine.Read(args);
        using var folder = new TemporaryFolder();
        string empty = Path.Combine(folder.Path, "empty.json");
        File.WriteAllText(empty, "{}");
        return CommandLine.Read(["--config", empty, .. args]);
    }
}
