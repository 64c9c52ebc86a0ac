using GlobalCache.Client.CacheGrid;

namespace GlobalCache.Tests.CacheGrid;

public sealed class SharedWorldsTests : IDisposable
{
    private const string One = "one.example.org:8002", Other = "other.example.org:8002";
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-off-").FullName;

    private string File => Path.Combine(_folder, "grid.off");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_world_that_is_switched_off_stays_so_after_a_restart_and_the_others_are_shared()
    {
        var worlds = new SharedWorlds([One, Other], File);
        Assert.True(worlds.Contains(One));
        Assert.True(worlds.TrySwitch(One, on: false));
        Assert.False(worlds.Contains(One));
        var after = new SharedWorlds([One, Other], File);
        Assert.False(after.Contains(One));
        Assert.True(after.Contains(Other));
        Assert.True(after.TrySwitch(One, on: true));
        Assert.True(new SharedWorlds([One, Other], File).Contains(One));
    }

    [Fact]
    public void Nothing_is_shared_that_its_user_has_not_named()
    {
        var worlds = new SharedWorlds([One], File);
        Assert.False(worlds.TrySwitch(Other, on: true));
        Assert.False(worlds.Contains(Other));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    public void Where_nobody_can_read_what_was_switched_off_everything_is(string text)
    {
        System.IO.File.WriteAllText(File, text);
        var worlds = new SharedWorlds([One], File);
        Assert.False(worlds.Contains(One));
        Assert.True(worlds.TrySwitch(One, on: true));
        Assert.True(new SharedWorlds([One], File).Contains(One));
    }

    [Fact]
    public void What_cannot_be_written_down_is_not_switched()
    {
        var worlds = new SharedWorlds([One], Path.Combine(_folder, "nowhere", "grid.off"));
        Assert.False(worlds.TrySwitch(One, on: false));
        Assert.True(worlds.Contains(One));
    }
}
