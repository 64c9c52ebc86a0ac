using System.Text;
using System.Text.RegularExpressions;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Commands;

/// <summary>What a person sees at a terminal, from the first start to the last; docs/TERMINAL.md is made of it with <c>SCREENS=write</c>.</summary>
[Collection("load")]
public sealed partial class TerminalScreensTests
{
    [Fact]
    public async Task From_the_first_start_to_the_last()
    {
        var pages = new StringBuilder("# At a terminal\n\nTaken from a terminal by a test, which presses the keys and reads the screen (`TerminalScreensTests`; `SCREENS=write` takes them anew). Folder and token are those of the test.\n");
        using var folder = new TemporaryFolder();
        void Page(string title, string typed, string screen) =>
            pages.Append($"\n## {title}\n\n```text\n$ {typed}\n{Token().Replace(screen.Replace(folder.Path, "/home/you", StringComparison.Ordinal), "0123456789012345678901234567890123456789")}\n```\n");

        await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { Link = LinkShape.Dsl });
        IReadOnlyList<SceneAsset> scene = SyntheticScene.Fill(grid, textures: 30, meshes: 5, sounds: 3, animations: 3);
        await using TmuxTerminal first = await TmuxTerminal.StartAsync(folder.Path);
        await first.ShowsAsync("Which world do you log in to?");
        await first.PressAsync("Down", "Down");
        Page("The first start asks", "globalcache", await first.ShowsAsync("> Another grid"));
        await first.PressAsync("Enter");
        await first.ShowsAsync("Its login page");
        await first.PressAsync("nonsense", "Enter");
        await first.ShowsAsync("It ");
        await first.PressAsync(grid.LoginUri.AbsoluteUri, "Enter");
        await first.ShowsAsync("How much of the disk");
        await first.PressAsync("Enter");
        string running = await first.ShowsAsync("What it does, and what that saves you");
        Page("… and then runs", "globalcache", running);

        Uri login = new(Login().Match(running).Value);
        await using (SimulatedViewer cold = await SimulatedViewer.LoginAsync(login))
        {
            Assert.True((await cold.Assets.FetchAsync(scene)).Ok);
            await cold.LogoutAsync();
            await Task.Delay(TimeSpan.FromSeconds(2));
        }
        await using (SimulatedViewer warm = await SimulatedViewer.LoginAsync(login, new SimulatedViewerOptions { First = "Other" }))
        {
            Assert.True((await warm.Assets.FetchAsync(scene)).Ok);
            await using TmuxTerminal stats = await TmuxTerminal.StartAsync(folder.Path, "stats", "--live");
            string live = await stats.ShowsAsync("hit ");
            Page("What goes on", "globalcache stats --live", live);
            Assert.Contains("1 viewer logged in", live, StringComparison.Ordinal);
            await stats.PressAsync("C-c");
            Assert.Equal(0, await stats.EndedAsync());
            await warm.LogoutAsync();
        }
        await using (TmuxTerminal doctor = await TmuxTerminal.StartAsync(folder.Path, "doctor"))
        {
            Assert.Equal(0, await doctor.EndedAsync());
            Page("Is all well?", "globalcache doctor", await doctor.ShowsAsync("clock"));
        }
        await first.PressAsync("C-c");
        Assert.Equal(0, await first.EndedAsync());

        // Whoever is asked something ends it as any program.
        await using (TmuxTerminal asked = await TmuxTerminal.StartAsync(folder.Path, "setup"))
        {
            await asked.ShowsAsync("is there already. Write it anew?");
            await asked.PressAsync("C-c");
            await asked.EndedAsync();
        }
        await using (TmuxTerminal purge = await TmuxTerminal.StartAsync(folder.Path, "purge", "--all"))
        {
            await purge.ShowsAsync("[y/n]");
            await purge.PressAsync("y", "Enter");
            Assert.Equal(0, await purge.EndedAsync());
            Page("And gone", "globalcache purge --all", await purge.ShowsAsync("[y/n]"));
        }
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder.Path, "config")));
        if (Environment.GetEnvironmentVariable("SCREENS") == "write") File.WriteAllText(Path.Combine(Repository.Root, "docs", "TERMINAL.md"), Ends().Replace(pages.ToString(), "\n"));
    }

    [GeneratedRegex(@"(?<=--loginuri )http://\S+", RegexOptions.None, 1000)]
    private static partial Regex Login();

    [GeneratedRegex("[0-9]{40}", RegexOptions.None, 1000)]
    private static partial Regex Token();

    [GeneratedRegex(@"[ \t]+\n", RegexOptions.None, 1000)]
    private static partial Regex Ends();
}
