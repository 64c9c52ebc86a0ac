using GlobalCache.Client;
using GlobalCache.Client.Commands;
using GlobalCache.Client.Ways;
using GlobalCache.Tests.Ways;
using Spectre.Console.Testing;
using CommandLine = GlobalCache.Client.CommandLine;

namespace GlobalCache.Tests.Commands;

public sealed class SetupTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestConsole _terminal = new TestConsole().Interactive();

    private string File => Path.Combine(_folder.Path, ConfigurationFile.Name);

    public void Dispose()
    {
        _terminal.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void For_Second_Life_the_web_proxy_is_chosen_and_the_viewer_that_was_found_is_named()
    {
        _terminal.Input.PushKey(ConsoleKey.Enter);
        _terminal.Input.PushKey(ConsoleKey.Enter);
        _terminal.Input.PushKey(ConsoleKey.Enter);
        Assert.True(Run(new InstalledViewer("Firestorm", "/opt/my viewers/firestorm")));
        ClientOptions read = Read();
        Assert.True(read is { SecondLife: true, WebProxy: true, StoreBytes: 10_000_000_000 });
        Assert.Contains("globalcache run \"/opt/my viewers/firestorm\"", _terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_grids_login_page_and_size_are_judged_as_everywhere_and_asked_again()
    {
        _terminal.Input.PushKey(ConsoleKey.DownArrow);
        _terminal.Input.PushKey(ConsoleKey.DownArrow);
        _terminal.Input.PushKey(ConsoleKey.Enter);
        _terminal.Input.PushTextWithEnter("grid.example.org");
        _terminal.Input.PushTextWithEnter("http://grid.example.org:8002/");
        _terminal.Input.PushTextWithEnter("1MB");
        _terminal.Input.PushTextWithEnter("2GB");
        Assert.True(Run());
        ClientOptions read = Read();
        Assert.True(read is { SecondLife: false, WebProxy: false, StoreBytes: 2_000_000_000 });
        Assert.Equal("http://grid.example.org:8002/", read.LoginUri.AbsoluteUri);
        Assert.Contains("It must be a URL such as", _terminal.Output, StringComparison.Ordinal);
        Assert.Contains("It must be 100MB or more.", _terminal.Output, StringComparison.Ordinal);
        Assert.Contains("globalcache run VIEWER", _terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_somebody_has_written_stays_unless_they_say_so()
    {
        System.IO.File.WriteAllText(File, "{ \"port\": 13000 }");
        _terminal.Input.PushTextWithEnter("n");
        Assert.False(Run());
        Assert.Equal("{ \"port\": 13000 }", System.IO.File.ReadAllText(File));
    }

    private bool Run(params InstalledViewer[] viewers) => new Setup(new ClientOptions { ConfigFolder = _folder.Path }, _terminal, viewers).Run();

    private ClientOptions Read()
    {
        CommandLine line = CommandLine.Read(["--config", File]);
        Assert.Empty(line.Errors);
        return line.Options;
    }
}

public sealed class InstalledViewersTests
{
    [Fact]
    public void They_are_found_where_installers_put_them_and_on_the_path_each_once()
    {
        using var folder = new TemporaryFolder();
        string opt = Directory.CreateDirectory(Path.Combine(folder.Path, "opt", "firestorm-install")).FullName, bin = Directory.CreateDirectory(Path.Combine(folder.Path, "bin")).FullName;
        File.WriteAllText(Path.Combine(opt, "firestorm"), "");
        Directory.CreateDirectory(Path.Combine(folder.Path, "opt", "secondlife-empty"));
        File.WriteAllText(Path.Combine(bin, "alchemy"), "");
        IReadOnlyList<InstalledViewer> found = InstalledViewers.Find(
            [Path.Combine(folder.Path, "opt"), Path.Combine(folder.Path, "missing")], [("Firestorm", "firestorm*", "firestorm"), ("Firestorm", "*install", "firestorm"), ("Second Life Viewer", "secondlife*", "secondlife")], bin);
        Assert.Equal([new InstalledViewer("Firestorm", Path.Combine(opt, "firestorm")), new InstalledViewer("Alchemy", "alchemy")], found);
    }
}
