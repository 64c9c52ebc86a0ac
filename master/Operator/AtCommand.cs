using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using GlobalCache.Master.Reconcile;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Operator;

/// <summary><c>at MASTER …</c>: the operator's commands on a master elsewhere, such as one in AWS. They are the calls of <see cref="AdminApi"/>; the master does what they say.</summary>
/// <param name="code">Asks for the admin code.</param>
internal sealed class AtCommand(Func<CancellationToken, Task<string>> code)
{
    private const int Done = 0, Failed = 2;

    private readonly Argument<string> _at = new("MASTER") { Description = "Its name or public address, with :PORT unless that is 443." };

    /// <summary>The command, to be added to the program's own.</summary>
    public Command Build()
    {
        var at = new Command("at", $"Asks a master elsewhere, such as one in AWS. The admin code comes from {AdminCodeEntry.Variable}, or is asked for.") { _at };
        Add(at, Grid(), Authority(), State(), Ask("invite", "Makes an invite: for one person, for 7 days.", HttpMethod.Post, MasterApi.Invites, MasterJson.Default.NewInvite, i => i.Invite), Members(),
            Revoke(), Ban("ban", "Takes an asset out of the cache, for good, within 30 s.", true), Ban("unban", "Lifts a ban.", false), Trust(), Throttle(), Limits(),
            Order("end-sessions", "Ends all sessions within 30 s; clients get new ones by themselves.", HttpMethod.Delete, AdminApi.SessionKeys), Retire(),
            Order("retire-all", "Lets all nodes go once their traffic has ended, and opens none until resume.", HttpMethod.Put, AdminApi.Hold),
            Order("resume", "Lets the fleet run again after retire-all.", HttpMethod.Delete, AdminApi.Hold));
        return at;
    }

    private Command Grid()
    {
        var command = new Command("grid", "Prints the grid's grid.json, which holds no secret.");
        command.SetAction((parsed, ct) => RunAsync(parsed, signIn: false, (link, _) => Task.FromResult(Encoding.UTF8.GetString(link.Body)), ct));
        return command;
    }

    private Command Authority()
    {
        var command = new Command("authority", "Prints the grid's certificate authority, for a browser to trust: it can vouch for names of the grid's own domain alone.");
        command.SetAction((parsed, ct) => RunAsync(parsed, signIn: false, (link, _) => Task.FromResult(link.File.Ca.TrimEnd()), ct));
        return command;
    }

    private Command State()
    {
        var command = new Command("state", "Says how the fleet does.");
        command.SetAction((parsed, ct) => RunAsync(parsed, signIn: true, async (link, stop) => StateText.Of(await link.CallAsync(HttpMethod.Get, MasterApi.State, MasterJson.Default.MasterState, stop)), ct));
        return command;
    }

    private Command Members() => Ask("members", "Lists clients and invites, so that they can be revoked.", HttpMethod.Get, AdminApi.Members, MasterJson.Default.AdminMembers, members => string.Join('\n',
        [
            .. members.Clients.Select(c => $"client {c.Id} branch {c.Branch} since {Minute(c.Since)}{(c.IsTrusted ? " trusted" : "")}{(c.IsRevoked ? " revoked" : "")}"),
            .. members.Invites.Select(i => $"invite {i.Id} {(i.UsedBy is { } user ? $"used by {user}" : $"until {Minute(i.Until)}")}"),
        ]));

    private Command Revoke()
    {
        var id = new Argument<string>("ID") { Description = "An invite, a client, or a branch with all who belong to it." };
        return Order(new Command("revoke", "Takes back an invite, or shuts out a client or a branch, within 30 s.") { id },
            (link, parsed, ct) => SayAsync(link, HttpMethod.Post, AdminApi.Revocations, new AdminRevocation { Id = parsed.GetValue(id)! }, MasterJson.Default.AdminRevocation, ct));
    }

    private Command Ban(string name, string what, bool banned)
    {
        var grid = new Argument<string>("GRID") { Description = "The virtual world, as in grid.json: agni, or a login host." };
        var type = new Argument<string>("TYPE") { Description = "texture, sound, animation or mesh." };
        var id = new Argument<Guid>("UUID") { Description = "The asset." };
        return Order(new Command(name, what) { grid, type, id }, (link, parsed, ct) => SayAsync(link, HttpMethod.Post, AdminApi.Bans,
            new AdminBan { Grid = parsed.GetValue(grid)!, Type = parsed.GetValue(type)!, Id = parsed.GetValue(id), Banned = banned }, MasterJson.Default.AdminBan, ct));
    }

    private Command Trust()
    {
        (Argument<string> client, Argument<string> word) = (new("CLIENT") { Description = "As members names it." }, OnOff("Whether its word alone decides."));
        return Order(new Command("trust", "Believes a client alone, such as the grid's own uploader, from its next session on (within 2 h).") { client, word },
            (link, parsed, ct) => SayAsync(link, HttpMethod.Post, AdminApi.Trust, new AdminTrust { Client = parsed.GetValue(client)!, Trusted = parsed.GetValue(word) == "on" }, MasterJson.Default.AdminTrust, ct));
    }

    private Command Throttle()
    {
        (Argument<string> branch, Argument<string> word) = (new("BRANCH") { Description = "As members names it." }, OnOff("Whether it gets a tenth of the quota."));
        return Order(new Command("throttle", "Gives a branch less, or as much as others again.") { branch, word },
            (link, parsed, ct) => SayAsync(link, HttpMethod.Post, AdminApi.Throttles, new AdminThrottle { Branch = parsed.GetValue(branch)!, Throttled = parsed.GetValue(word) == "on" }, MasterJson.Default.AdminThrottle, ct));
    }

    private Command Retire()
    {
        var node = new Argument<string>("NODE") { Description = "As state names it, such as 0.3." };
        node.Validators.Add(result =>
        {
            if (OperatorOrders.Parse(result.GetValueOrDefault<string>()) is null) result.AddError($"{result.GetValueOrDefault<string>()} is no node's name, such as 0.3.");
        });
        return Order(new Command("retire", "Lets a node go for good once its traffic has ended; another takes its place if one is needed.") { node },
            (link, parsed, ct) => SayAsync(link, HttpMethod.Post, AdminApi.Retirements, new AdminRetirement { Node = parsed.GetValue(node)! }, MasterJson.Default.AdminRetirement, ct));
    }

    private Command Limits()
    {
        var min = new Option<int?>("--min") { Description = "Nodes at least." };
        var max = new Option<int?>("--max") { Description = "Nodes at once." };
        var launches = new Option<int?>("--launches-per-hour");
        var hours = new Option<double?>("--node-hours-per-day");
        var hour = new Option<decimal?>("--spend-per-hour") { Description = "In the price table's currency." };
        var day = new Option<decimal?>("--spend-per-day") { Description = "Likewise." };
        var command = new Command("limits", "Says what the fleet may be and cost at most, or sets what is named, until the stack's policy says otherwise.") { min, max, launches, hours, hour, day };
        command.SetAction((parsed, ct) => RunAsync(parsed, signIn: true, async (link, stop) =>
        {
            var asked = new AdminLimits
            {
                Min = parsed.GetValue(min),
                Max = parsed.GetValue(max),
                LaunchesPerHour = parsed.GetValue(launches),
                NodeHoursPerDay = parsed.GetValue(hours),
                SpendPerHour = parsed.GetValue(hour),
                SpendPerDay = parsed.GetValue(day),
            };
            AdminLimits stand = asked == new AdminLimits()
                ? await link.CallAsync(HttpMethod.Get, AdminApi.Limits, MasterJson.Default.AdminLimits, stop)
                : await link.CallAsync(HttpMethod.Patch, AdminApi.Limits, asked, MasterJson.Default.AdminLimits, MasterJson.Default.AdminLimits, stop);
            return string.Create(CultureInfo.InvariantCulture,
                $"min {stand.Min}\nmax {stand.Max}\nlaunches-per-hour {stand.LaunchesPerHour}\nnode-hours-per-day {stand.NodeHoursPerDay}\nspend-per-hour {stand.SpendPerHour}\nspend-per-day {stand.SpendPerDay}");
        }, ct));
        return command;
    }

    private Command Ask<T>(string name, string what, HttpMethod method, string path, JsonTypeInfo<T> type, Func<T, string> say)
    {
        var command = new Command(name, what);
        command.SetAction((parsed, ct) => RunAsync(parsed, signIn: true, async (link, stop) => say(await link.CallAsync(method, path, type, stop)), ct));
        return command;
    }

    private Command Order(string name, string what, HttpMethod method, string path) => Ask(name, what, method, path, MasterJson.Default.AdminAnswer, a => a.Said);

    private Command Order(Command command, Func<OperatorLink, ParseResult, CancellationToken, Task<string>> act)
    {
        command.SetAction((parsed, ct) => RunAsync(parsed, signIn: true, (link, stop) => act(link, parsed, stop), ct));
        return command;
    }

    private static async Task<string> SayAsync<T>(OperatorLink link, HttpMethod method, string path, T body, JsonTypeInfo<T> type, CancellationToken ct) =>
        (await link.CallAsync(method, path, body, type, MasterJson.Default.AdminAnswer, ct)).Said;

    private async Task<int> RunAsync(ParseResult parsed, bool signIn, Func<OperatorLink, CancellationToken, Task<string>> act, CancellationToken ct)
    {
        try
        {
            string secret = await code(ct);
            await using OperatorLink link = await OperatorLink.OpenAsync(parsed.GetValue(_at)!, secret, ct);
            if (signIn) await link.SignInAsync(secret, ct);
            await parsed.InvocationConfiguration.Output.WriteLineAsync(await act(link, ct));
            return Done;
        }
        catch (OperatorRefusedException e)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
            return Failed;
        }
    }

    private static Argument<string> OnOff(string what) => new Argument<string>("on|off") { Description = what }.AcceptOnlyFromAmong("on", "off");

    private static string Minute(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static void Add(Command parent, params Command[] children)
    {
        foreach (Command child in children) parent.Add(child);
    }
}
