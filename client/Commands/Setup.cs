using System.Text.Json.Nodes;
using GlobalCache.Client.Store;
using GlobalCache.Client.Ways;
using Spectre.Console;

namespace GlobalCache.Client.Commands;

/// <summary>
/// <c>globalcache setup</c>, and the first start at a terminal: asks for the world, the store's size and the viewer, writes the configuration file, and says what to set in the viewer.
/// No file of a viewer's is touched (ADR 28).
/// </summary>
internal sealed class Setup(ClientOptions options, IAnsiConsole console, IReadOnlyList<InstalledViewer> viewers)
{
    public const string Command = "setup";

    private const string SecondLife = "Second Life", Osgrid = "OSgrid", Other = "Another grid", None = "None of these, or I start it myself";

    /// <summary>Where the answers are written.</summary>
    private string File => Path.Combine(options.ConfigFolder, ConfigurationFile.Name);

    /// <summary>Asks and writes. False: what is there was kept.</summary>
    public bool Run()
    {
        console.Write(new Rule("GlobalCache") { Justification = Justify.Left });
        console.WriteLine("It keeps what your viewer has seen in an encrypted store on this disk, and hands it out at once the next time. Nothing of it leaves this machine unless you join a cache grid.");
        console.WriteLine();
        if (System.IO.File.Exists(File) && !console.Prompt(new ConfirmationPrompt($"{File.EscapeMarkup()} is there already. Write it anew?") { DefaultValue = false }))
        {
            console.WriteLine("It stays as it is.");
            return false;
        }

        var settings = new JsonObject();
        string world = console.Prompt(new SelectionPrompt<string>().Title("Which world do you log in to?").AddChoices(SecondLife, Osgrid, Other));
        string? login = world switch { SecondLife => null, Osgrid => "http://login.osgrid.org/", _ => AskUrl() };
        if (login is null) settings["web-proxy"] = true;
        else settings["login-uri"] = login;

        string size = console.Prompt(new TextPrompt<string>("How much of the disk may the store take?").DefaultValue("10GB").Validate(text => Mistake("store-size", text) is { } wrong ? ValidationResult.Error($"It {wrong}.") : ValidationResult.Success()));
        settings["store-size"] = size;

        AtomicWrite(settings);
        console.WriteLine($"Written to {File}.");
        console.WriteLine();
        Viewer(login);
        return true;
    }

    private string AskUrl() => console.Prompt(new TextPrompt<string>("Its login page, as your viewer knows it (such as http://grid.example.org:8002/):")
        .Validate(text => Mistake("login-uri", text) is { } wrong ? ValidationResult.Error($"It {wrong}.") : ValidationResult.Success()));

    private void Viewer(string? login)
    {
        string run = "globalcache run";
        if (viewers.Count > 0)
        {
            string chosen = console.Prompt(new SelectionPrompt<string>().Title("Which viewer do you use?").AddChoices([.. viewers.Select(v => $"{v.Name} ({v.Program})".EscapeMarkup()), None]));
            int index = viewers.ToList().FindIndex(v => $"{v.Name} ({v.Program})".EscapeMarkup() == chosen);
            run = index < 0 ? "globalcache run VIEWER" : $"globalcache run {Quoted(viewers[index].Program)}";
        }
        else run += " VIEWER";
        console.WriteLine("Start your viewer by this from now on, and it goes through here:");
        console.WriteLine($"  {run}");
        console.WriteLine(login is null
            ? "Or let “globalcache” run, and set the proxy it names once in the viewer's preferences."
            : "Or let “globalcache” run, and add the grid it names once in the viewer's preferences.");
        console.WriteLine("Whoever has an invite to a cache grid types: globalcache join INVITE");
        console.WriteLine();
    }

    /// <summary>What is wrong with a setting's text, by the same words as everywhere.</summary>
    private static string? Mistake(string name, string text)
    {
        var blank = new ClientOptions();
        return Setting.All.Single(s => s.Name == name).Apply(ref blank, text)
            ?? (name == "store-size" && blank.StoreBytes < ClientOptionsValidator.SmallestStore ? "must be 100MB or more" : null);
    }

    /// <exception cref="CannotStartException">The folder cannot be written to.</exception>
    private void AtomicWrite(JsonObject settings)
    {
        try
        {
            PrivateFolder.Create(options.ConfigFolder);
            AtomicFile.Write(File, System.Text.Encoding.UTF8.GetBytes(settings.ToJsonString(new(System.Text.Json.JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"{File} cannot be written: set XDG_CONFIG_HOME to a folder of your own.");
        }
    }

    private static string Quoted(string path) => path.Contains(' ', StringComparison.Ordinal) ? $"\"{path}\"" : path;
}
