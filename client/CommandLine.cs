using System.CommandLine;
using FluentValidation.Results;
using GlobalCache.Client.Commands;
using GlobalCache.Client.Ways;

namespace GlobalCache.Client;

/// <summary>
/// The command line and the configuration file, read and judged together: either options that can be started with, or every
/// mistake at once, a line each.
/// </summary>
/// <param name="Options">What to start with.</param>
/// <param name="Command">What is to be done; empty: the client is started.</param>
/// <param name="Switches">The command's own switches, such as <c>--json</c>, each with its value, empty for one that has none.</param>
/// <param name="Viewer">The viewer's command after <c>run</c>, empty without.</param>
/// <param name="Errors">Nothing is started when there is one.</param>
/// <param name="Answer">Help or version were asked for: this is all there is to do.</param>
internal sealed record CommandLine(
    ClientOptions Options, string Command, IReadOnlyDictionary<string, string> Switches, IReadOnlyList<string> Viewer, IReadOnlyList<string> Errors, string? Answer)
{
    private const string Run = "run";

    /// <summary>A command's own switch; one with a value has a word for it.</summary>
    private sealed record Switch(string Name, string Help, string? Value = null);

    /// <summary>Commands that take the client's own options, and the switches each has beside them.</summary>
    private static readonly Dictionary<string, Switch[]> s_commands = new(StringComparer.Ordinal)
    {
        [Run] = [],
        [Setup.Command] = [],
        [Doctor.Command] = [],
        [Stats.Command] = [new(Stats.Json, "As JSON."), new(Stats.Live, "Goes on showing it.")],
        [Purge.Command] = [new(Purge.All, "Keys, settings and membership too: nothing is left."), new(Purge.Yes, "Does not ask.")],
        [MemberInvite.Command] = [],
        [Import.Command] =
        [
            new(Import.Oar, "An archive of a region or of an inventory.", "FILE"), new(Import.Folder, "A folder of files named UUID_texture.jp2, UUID.j2c, UUID.ogg, UUID.anim, UUID.llmesh.", "FOLDER"),
            new(Import.Watch, "Goes on with what is put into the folder later."),
        ],
    };

    /// <summary>Nothing was said: whoever starts it so for the first time, at a terminal, is asked.</summary>
    public bool IsBare { get; private init; }

    public static CommandLine Read(IReadOnlyList<string> args)
    {
        int own = Split(args, out int word);
        string command = word < 0 ? "" : args[word];
        bool run = command == Run;
        string[] viewer = [.. args.Skip(own)];
        string[] ours = [.. args.Take(own).Where((_, i) => i != word)];

        RootCommand root = Root(command, out Dictionary<Setting, Option> options, out Dictionary<Switch, Option> switches, out Option<string> config);
        ParseResult parsed = root.Parse(ours);
        if (parsed.Errors.Count == 0 && parsed.Action is not null)
        {
            using var text = new StringWriter();
            parsed.Invoke(new InvocationConfiguration { Output = text, Error = text });
            return new(new(), command, new Dictionary<string, string>(), viewer, [], text.ToString().TrimEnd());
        }

        // What stands behind an option nobody knows was meant as its value, and is no mistake of its own.
        IEnumerable<string> unknown = parsed.UnmatchedTokens.SkipWhile(t => !t.StartsWith('-')).Where(t => !t.StartsWith('-'));
        List<string> errors = [.. parsed.Errors.Where(e => !unknown.Any(t => e.Message.EndsWith($"'{t}'.", StringComparison.Ordinal)))
            .Select(e => e.Message + " See --help.").Distinct()];
        var read = new ClientOptions();
        string file = parsed.GetResult(config)?.Tokens is [{ Value: { } named }] ? named : "";
        if (file.Length == 0) file = Path.Combine(read.ConfigFolder, ConfigurationFile.Name);
        else if (!File.Exists(file)) errors.Add($"--config {file} names no file.");
        if (File.Exists(file)) ConfigurationFile.Apply(file, ref read, errors);
        foreach ((Setting setting, Option option) in options)
        {
            if (parsed.GetResult(option) is not { Implicit: false } result || result.Errors.Any()) continue;
            string text = setting.Value is null ? "true" : result.Tokens is [.., { Value: { } last }] ? last : "";
            if (setting.Apply(ref read, text) is { } wrong) errors.Add($"--{setting.Name} {text} {wrong}.".Replace("  ", " ", StringComparison.Ordinal));
        }
        if (run && viewer.Length == 0) errors.Add("run needs the viewer's command behind it.");
        if (viewer.Length > 0 && !ViewerLaunch.Exists(viewer[0])) errors.Add($"{viewer[0]} cannot be started: give the viewer's command behind run.");
        errors.AddRange(new ClientOptionsValidator().Validate(read).Errors.Select(Sentence));
        // Viewers go to Second Life by themselves, whatever login page they are given (ADR 28).
        if (run && read is { SecondLife: true, LoginProxy: true, CdnHost: null }) read = read with { WebProxy = true };
        read = read with { Port = read.Port ?? (run ? 0 : 12080) };
        Dictionary<string, string> said = switches.Where(s => parsed.GetResult(s.Value) is { Implicit: false })
            .ToDictionary(s => s.Key.Name, s => parsed.GetResult(s.Value)!.Tokens is [.., { Value: { } last }] ? last : "", StringComparer.Ordinal);
        return new(read, command, said, viewer, errors, null) { IsBare = args.Count == 0 && !File.Exists(file) };
    }

    /// <summary>Where our own arguments end: at the first word after <c>run</c>, which begins the viewer's, whatever they look like; and where the command is.</summary>
    private static int Split(IReadOnlyList<string> args, out int word)
    {
        word = -1;
        for (int i = 0; i < args.Count; i++)
        {
            string arg = args[i];
            if (arg.StartsWith('-'))
            {
                bool takesValue = arg == "--config" || Setting.All.Any(s => s.Value is not null && arg == "--" + s.Name)
                    || s_commands.Values.Any(c => c.Any(s => s.Value is not null && arg == "--" + s.Name));
                if (takesValue) i++;
            }
            else if (word >= 0)
            {
                if (args[word] == Run) return i;
            }
            else if (s_commands.ContainsKey(arg))
                word = i;
        }
        return args.Count;
    }

    private static RootCommand Root(string command, out Dictionary<Setting, Option> options, out Dictionary<Switch, Option> switches, out Option<string> config)
    {
        options = [];
        switches = [];
        var root = new RootCommand(
            """
            The GlobalCache client: runs beside your viewer and keeps the grid's textures, sounds, animations and meshes.

              globalcache [options]                    starts it and says what to set in the viewer
              globalcache [options] run VIEWER [...]   starts it on a free port, and the viewer with it
              globalcache setup                        asks what is needed and writes the configuration file
              globalcache stats [--live] [--json]      what it does, and what that has saved
              globalcache doctor                       looks for what is wrong, and says how to mend it
              globalcache join INVITE                  lets it into a cache grid, and says how to start it then
              globalcache invite                       makes an invite for a friend, of a member's
              globalcache import --oar FILE            puts a world's own assets into the cache grid, for its owner
                                 --folder FOLDER [--watch]
              globalcache purge [--all] [--yes]        empties the store; with --all nothing is left of it

            Every option may also stand in the configuration file, under its name without dashes.
            """);
        // Values are read by Setting.Apply, so that a file's and the command line's are judged alike.
        foreach (Setting setting in Setting.All)
        {
            Option option = setting.Value is null
                ? new Option<bool>("--" + setting.Name) { Description = setting.Help, Arity = ArgumentArity.Zero }
                : new Option<string>("--" + setting.Name) { Description = setting.Help, HelpName = setting.Value, Arity = ArgumentArity.ExactlyOne };
            options.Add(setting, option);
            root.Add(option);
        }
        foreach (Switch own in s_commands.GetValueOrDefault(command, []))
        {
            Option option = own.Value is null
                ? new Option<bool>("--" + own.Name) { Description = own.Help, Arity = ArgumentArity.Zero }
                : new Option<string>("--" + own.Name) { Description = own.Help, HelpName = own.Value, Arity = ArgumentArity.ExactlyOne };
            switches.Add(own, option);
            root.Add(option);
        }
        config = new Option<string>("--config")
        {
            Description = $"The configuration file. Default: {ConfigurationFile.Name} in the folder of the keys.",
            HelpName = "FILE",
            Arity = ArgumentArity.ExactlyOne,
        };
        root.Add(config);
        return root;
    }

    private static string Sentence(ValidationFailure failure) =>
        failure.PropertyName.StartsWith("Limits.", StringComparison.Ordinal) ? $"{failure.PropertyName}: {failure.ErrorMessage}" : failure.ErrorMessage;
}
