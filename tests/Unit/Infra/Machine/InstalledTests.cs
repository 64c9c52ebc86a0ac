using System.Globalization;
using System.Text.RegularExpressions;
using GlobalCache.Infra;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Infra.Machine;

/// <summary>The steps of the image's recipe, run for real, and what they leave.</summary>
[Collection("image")]
public sealed partial class InstalledTests(ImageMachine machine)
{
    public static TheoryData<string> Units => ["globalcache-settings.service", "globalcache-node.service", "globalcache-master.service"];

    [Fact]
    public async Task The_recipes_steps_install_without_a_network_or_a_package_manager_and_may_be_run_twice()
    {
        Said steps = await machine.InstalledAsync();
        Assert.True(steps.ExitCode == 0, steps.Text);
        Layer layer = await machine.LayerAsync();
        Assert.Equal(126, (await layer.RunAsync("sh", "-c", "/usr/bin/apt-get --version")).ExitCode);
        Assert.Equal("lo", (await layer.RunAsync("ls", "/sys/class/net")).Text.Trim());
        Assert.Equal("", (await layer.RunAsync("ls", "/tmp")).Text);

        Said again = await layer.RunAsync("sh", "/opt/globalcache/image/install.sh", "/");
        Assert.True(again.ExitCode == 0, again.Text);
        Said looked = await layer.RunAsync("bash", "-c", ImageMachine.Commands(Image.Steps("bucket", "key", "hash"), "Look"));
        Assert.Equal(new Said(0, ""), looked);
    }

    [Fact]
    public async Task A_publish_for_one_kind_of_machine_leaves_everybodys_lists_of_packages_as_they_are()
    {
        await machine.InstalledAsync();
        foreach (string project in (string[])["policy", "node", "master", "master/Office"])
            Assert.DoesNotContain("linux-", await File.ReadAllTextAsync(Path.Combine(Repository.Root, project, "packages.lock.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("chmod a-x /opt/globalcache/node/globalcache-node", "globalcache-node cannot be run")]
    [InlineData("chmod o+w /opt/globalcache/master/globalcache-master", "something under /opt/globalcache can be written by others than root")]
    [InlineData("chown 1 /opt/globalcache/image/settings.sh", "something under /opt/globalcache can be written by others than root")]
    [InlineData("systemctl --root=/ disable globalcache-settings.service", "globalcache-settings.service is not enabled")]
    [InlineData("rm /etc/cloud/cloud.cfg.d/99-globalcache.cfg", "user data would be carried out")]
    [InlineData("rm /etc/systemd/system/amazon-ssm-agent.service", "amazon-ssm-agent.service is not masked")]
    public async Task An_image_that_is_not_as_it_has_to_be_fails_its_build(string change, string wrong)
    {
        Layer layer = await machine.LayerAsync();
        Assert.Equal(0, (await layer.RunAsync("sh", "-c", change)).ExitCode);
        Assert.Equal(new Said(1, $"wrong: {wrong}\n"), await layer.RunAsync("sh", "/opt/globalcache/image/check.sh", "/"));
    }

    [Theory]
    [MemberData(nameof(Units))]
    public async Task Systemd_finds_nothing_to_say_about_a_unit(string unit)
    {
        Layer layer = await machine.LayerAsync();
        Assert.Equal(new Said(0, ""), await layer.RunAsync("systemd-analyze", "verify", unit));
        // It would have: of a word that is none.
        await layer.RunAsync("sed", "--in-place", "s/^ProtectSystem=/ProtectSytem=/", $"/etc/systemd/system/{unit}");
        Assert.Contains("ProtectSytem", (await layer.RunAsync("systemd-analyze", "verify", unit)).Text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Units))]
    public async Task A_unit_is_exposed_by_no_more_than_two_and_a_half_of_ten(string unit)
    {
        Layer layer = await machine.LayerAsync();
        Said said = await layer.RunAsync("systemd-analyze", "security", "--offline=true", "--no-pager", unit);
        Match level = Exposure().Match(said.Text);
        Assert.True(level.Success, said.Text);
        TestContext.Current.TestOutputHelper?.WriteLine($"{unit}: {level.Groups["level"].Value}");
        Assert.InRange(double.Parse(level.Groups["level"].Value, CultureInfo.InvariantCulture), 0, 2.5);
    }

    [Fact]
    public async Task Systemd_finds_nothing_to_say_about_the_clients_user_service()
    {
        Layer layer = await machine.LayerAsync();
        string unit = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "client", "Packaging", "globalcache.service"), TestContext.Current.CancellationToken);
        layer.Write("usr/lib/systemd/user/globalcache.service", unit);
        await layer.RunAsync("ln", "-s", "/opt/globalcache/node/globalcache-node", "/usr/bin/globalcache");
        Said said = await layer.RunAsync("env", "XDG_RUNTIME_DIR=/run", "systemd-analyze", "--user", "verify", "globalcache.service");
        Assert.Equal(new Said(0, ""), said);
        layer.Write("usr/lib/systemd/user/globalcache.service", unit.Replace("NoNewPrivileges", "NoNewPrivilege", StringComparison.Ordinal));
        Assert.Contains("NoNewPrivilege", (await layer.RunAsync("env", "XDG_RUNTIME_DIR=/run", "systemd-analyze", "--user", "verify", "globalcache.service")).Text, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"Overall exposure level for \S+: (?<level>\d+\.\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Exposure();
}
