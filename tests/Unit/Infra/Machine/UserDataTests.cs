namespace GlobalCache.Tests.Infra.Machine;

/// <summary>User data is settings: whoever may choose it cannot have a program of theirs carried out.</summary>
[Collection("image")]
public sealed class UserDataTests(ImageMachine machine)
{
    private const string Script = "#!/bin/sh\ntouch /carried-out\n";
    private const string Configuration = "#cloud-config\nbootcmd: [touch /carried-out]\nruncmd: [touch /carried-out]\nwrite_files: [{path: /carried-out, content: x}]\n";

    [Theory]
    [InlineData(Script, true)]
    [InlineData(Script, false)]
    [InlineData(Configuration, true)]
    [InlineData(Configuration, false)]
    public async Task A_program_in_place_of_settings_is_carried_out_only_without_the_images_configuration(string userData, bool ours)
    {
        Layer layer = await machine.LayerAsync();
        if (!ours) File.Delete(layer.PathOf("etc/cloud/cloud.cfg.d/99-globalcache.cfg"));
        // Of the ways by which cloud-init comes to user data this one needs no cloud; what it does with them then is the same.
        layer.Write("etc/cloud/cloud.cfg.d/10-source.cfg", "datasource_list: [NoCloud]\n");
        layer.Write("var/lib/cloud/seed/nocloud/meta-data", "instance-id: i-0123456789abcdef0\n");
        layer.Write("var/lib/cloud/seed/nocloud/user-data", userData);
        // What its four units run at a start.
        Said said = await layer.RunAsync("sh", "-c", "cloud-init init --local; cloud-init init; cloud-init modules --mode=config; cloud-init modules --mode=final");
        Assert.Contains("running 'modules:final'", said.Text, StringComparison.Ordinal);
        Assert.Equal(!ours, File.Exists(layer.PathOf("carried-out")));
    }

    [Fact]
    public async Task A_machine_that_is_given_a_program_starts_neither_node_nor_master_and_says_why()
    {
        Layer layer = await machine.LayerAsync();
        await using Booted booted = await machine.BootAsync(layer, Script);
        await booted.UntilAsync("systemctl is-failed globalcache-settings.service");
        Assert.Contains("The user data's first line is neither role=node nor role=master: nothing is started.", await booted.JournalAsync("globalcache-settings.service"), StringComparison.Ordinal);
        await booted.UntilAsync("systemctl is-active multi-user.target");
        foreach (string role in (string[])["node", "master"])
        {
            IReadOnlyDictionary<string, string> unit = await booted.ShowAsync($"globalcache-{role}.service", "ActiveState", "ExecMainStartTimestampMonotonic");
            Assert.Equal(("inactive", "0"), (unit["ActiveState"], unit["ExecMainStartTimestampMonotonic"]));
        }

        Assert.False(File.Exists(layer.PathOf("carried-out")));
    }
}
