using System.CommandLine;
using System.Text.Json;
using GlobalCache.Office.Enrolment;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>
/// The operator's commands on what holds for all nodes: <c>ban</c>, <c>unban</c>, <c>bans</c>, <c>throttle</c>, <c>end-sessions</c> and <c>policy</c>. They write the control document beside
/// the running nodes, which follow within 30 s, and without any as well.
/// </summary>
internal static class ControlCommands
{
    private const int Done = 0, Failed = 2;

    /// <summary>A command's work: its outcome is the process's.</summary>
    public delegate Task<int> Act(GridFolder grid, GridDesks desks, CancellationToken ct);

    /// <summary>The commands, to be added to the program's own.</summary>
    /// <param name="guarded">Opens the grid, and tells in one sentence what goes wrong.</param>
    public static IReadOnlyList<Command> Of(Func<ParseResult, CancellationToken, Act, Task<int>> guarded) =>
        [Ban(guarded, "ban", "Takes an asset out of the cache, for good: within 30 s no node serves, takes or stores it any more.", banned: true),
            Ban(guarded, "unban", "Lifts a ban: the asset may be shared again once people have received it anew.", banned: false),
            Count(guarded), Throttle(guarded), Rotate(guarded), Policy(guarded)];

    private static Command Ban(Func<ParseResult, CancellationToken, Act, Task<int>> guarded, string name, string what, bool banned)
    {
        var grid = new Argument<string>("GRID") { Description = "The virtual world, as in grid.json: agni, or a login host." };
        var type = new Argument<string>("TYPE") { Description = "texture, sound, animation or mesh." };
        var id = new Argument<Guid>("UUID") { Description = "The asset." };
        var command = new Command(name, what) { grid, type, id };
        command.SetAction((parsed, ct) => guarded(parsed, ct, async (folder, desks, stop) =>
        {
            if (!AssetTypes.TryParseName(parsed.GetValue(type), out AssetType kind))
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync("The type is texture, sound, animation or mesh.");
                return Failed;
            }
            string asset = folder.Keys.NameOf(new AssetKey(parsed.GetValue(grid)!, kind, parsed.GetValue(id)));
            ControlDocument document = await desks.Control.ChangeAsync(d => With(d.Bans, asset, banned) is { } list ? d with { Bans = list } : d, stop);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(banned ? $"Banned; {document.Bans.Count} bans hold." : $"Not banned; {document.Bans.Count} bans hold.");
            return Done;
        }));
        return command;
    }

    // No more than a number: what is banned cannot be told from the list, and should not be.
    private static Command Count(Func<ParseResult, CancellationToken, Act, Task<int>> guarded)
    {
        var command = new Command("bans", "Says how many bans hold.");
        command.SetAction((parsed, ct) => guarded(parsed, ct, async (_, desks, stop) =>
        {
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{(await desks.Control.ReadAsync(stop)).Bans.Count}");
            return Done;
        }));
        return command;
    }

    private static Command Throttle(Func<ParseResult, CancellationToken, Act, Task<int>> guarded)
    {
        var branch = new Argument<string>("BRANCH") { Description = "See members." };
        Argument<string> to = new Argument<string>("on|off") { Description = "Whether it gets a tenth of the quota." }.AcceptOnlyFromAmong("on", "off");
        var command = new Command("throttle", "Gives a branch less, or as much as others again.") { branch, to };
        command.SetAction((parsed, ct) => guarded(parsed, ct, async (_, desks, stop) =>
        {
            (string who, bool on) = (parsed.GetValue(branch)!, parsed.GetValue(to) == "on");
            if (on && !(await desks.Enrolment.RefreshAsync(stop)).Branches.ContainsKey(who))
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"There is no branch {who}: see members.");
                return Failed;
            }
            await desks.Control.ChangeAsync(d => With(d.ThrottledBranches, who, on) is { } list ? d with { ThrottledBranches = list } : d, stop);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"{who} is {(on ? "throttled" : "not throttled")}.");
            return Done;
        }));
        return command;
    }

    private static Command Rotate(Func<ParseResult, CancellationToken, Act, Task<int>> guarded)
    {
        var command = new Command("end-sessions", "Ends all sessions within 30 s, whatever key signed them: whoever gives out sessions makes a new key, and clients get new ones by themselves.");
        command.SetAction((parsed, ct) => guarded(parsed, ct, async (_, desks, stop) =>
        {
            await desks.Control.ChangeAsync(d => d.SessionKeys.Count == 0 ? d : d with { SessionKeys = [] }, stop);
            await parsed.InvocationConfiguration.Output.WriteLineAsync("All sessions are over within 30 s.");
            return Done;
        }));
        return command;
    }

    private static Command Policy(Func<ParseResult, CancellationToken, Act, Task<int>> guarded)
    {
        var show = new Command("show", "Prints the policy in force, as a file that set takes.");
        show.SetAction((parsed, ct) => guarded(parsed, ct, async (_, desks, stop) =>
        {
            await parsed.InvocationConfiguration.Output.WriteLineAsync((await desks.Control.ReadAsync(stop)).Policy.ToJson());
            return Done;
        }));
        var file = new Argument<string>("FILE") { Description = "JSON as show prints it; what it leaves out has its default." };
        var set = new Command("set", "Puts another policy in force on all nodes within 30 s, or refuses it whole. It holds until it is set again or a node is started with other options.") { file };
        set.SetAction((parsed, ct) => guarded(parsed, ct, async (_, desks, stop) =>
        {
            GridPolicy policy;
            try
            {
                policy = GridPolicy.Parse(await File.ReadAllBytesAsync(parsed.GetValue(file)!, stop));
            }
            catch (JsonException e)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"{parsed.GetValue(file)} is no policy: {e.Message}");
                return Failed;
            }
            ControlDocument document = await desks.Control.ChangeAsync(d => d.Policy.ToJson() == policy.ToJson() ? d : d with { Policy = policy }, stop);
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"The policy is in force with sequence {document.Sequence}.");
            return Done;
        }));
        return new Command("policy", "Shows or sets when bytes are believed, how much a branch may take, and what is shared.") { show, set };
    }

    /// <summary>The list with or without one; null: it is so already.</summary>
    public static IReadOnlyList<string>? With(IReadOnlyList<string> list, string one, bool there) =>
        list.Contains(one) == there ? null : there ? [.. list.Append(one).Order(StringComparer.Ordinal)] : [.. list.Where(o => o != one)];
}
