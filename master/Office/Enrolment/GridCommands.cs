using System.CommandLine;
using System.Globalization;
using GlobalCache.Office.Control;
using GlobalCache.Office.Stores;

namespace GlobalCache.Office.Enrolment;

/// <summary>
/// The operator's commands on a grid of one's own: <c>invite</c>, <c>members</c>, <c>revoke</c>, <c>trust</c>, and those of <see cref="ControlCommands"/>. They work on the store
/// beside the running nodes, which follow within 30 s, and without any as well.
/// </summary>
internal static class GridCommands
{
    private const int Done = 0, Failed = 2;

    /// <summary>The commands, to be added to the program's own.</summary>
    /// <param name="data">Says which data folder.</param>
    /// <param name="open">The store of a data folder.</param>
    /// <param name="time">Wall clock.</param>
    /// <param name="log">Of what happens underneath.</param>
    public static IReadOnlyList<Command> Of(Option<string> data, Func<string, IObjectStore> open, TimeProvider time, ILogger log)
    {
        var below = new Option<string?>("--below") { Description = "The client that invites: the newcomer shares its branch. Without: a branch of its own.", HelpName = "CLIENT" };
        var invite = new Command("invite", "Makes an invite: for one person, for 7 days.") { below };
        invite.SetAction((parsed, ct) => GuardedAsync(parsed, data, open, time, log, async (grid, desks) =>
        {
            if (await desks.Enrolment.InviteAsync(parsed.GetValue(below), ct) is not { } code)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync("No invite can be made: too many are open, or the client that is to invite is unknown or revoked.");
                return Failed;
            }
            await parsed.InvocationConfiguration.Output.WriteLineAsync(
                $"""
                {grid.InviteOf(code)}
                Hand it over together with {GridFolder.GridJson(grid.Path)}. To take it back: revoke {Roll.InviteId(code)}
                """);
            return Done;
        }));

        var members = new Command("members", "Lists clients and invites, so that they can be revoked.");
        members.SetAction((parsed, ct) => GuardedAsync(parsed, data, open, time, log, async (_, desks) =>
        {
            Roll roll = await desks.Enrolment.RefreshAsync(ct);
            TextWriter output = parsed.InvocationConfiguration.Output;
            foreach ((string id, Member member) in roll.Clients.OrderBy(c => c.Value.Since))
                await output.WriteLineAsync($"client {id} branch {member.Branch} since {Day(member.Since)}{(member.Trusted ? " trusted" : "")}{(roll.IsRevoked(id, member.Branch) ? " revoked" : "")}");
            foreach ((string id, Invite given) in roll.Invites.OrderBy(i => i.Value.Expires))
                await output.WriteLineAsync($"invite {id} {(given.UsedBy is { } user ? $"used by {user}" : given.Expires <= time.GetUtcNow() ? "expired" : $"open until {Day(given.Expires)}")}");
            return Done;
        }));

        var what = new Argument<string>("ID") { Description = "An invite, a client, or a branch with all who belong to it." };
        var revoke = new Command("revoke", "Takes back an invite, or shuts out a client or a branch, on running nodes within 30 s.") { what };
        revoke.SetAction((parsed, ct) => GuardedAsync(parsed, data, open, time, log, async (_, desks) =>
        {
            string id = parsed.GetValue(what)!;
            Revocation outcome = await desks.Revocations.RevokeAsync(id, ct);
            bool stands = outcome is Revocation.Done or Revocation.Already;
            await (stands ? parsed.InvocationConfiguration.Output : parsed.InvocationConfiguration.Error).WriteLineAsync(outcome switch
            {
                Revocation.Done => $"{id} is revoked.",
                Revocation.Already => $"{id} was revoked before.",
                Revocation.Used => $"{id} has let in {desks.Enrolment.Roll.Invites[id].UsedBy}: revoke that client instead.",
                _ => $"There is no invite, client or branch {id}: see members.",
            });
            return stands ? Done : Failed;
        }));

        var whom = new Argument<string>("CLIENT") { Description = "As members names it." };
        var word = new Argument<string>("on|off") { Description = "Whether its word alone decides." };
        word.AcceptOnlyFromAmong("on", "off");
        var trust = new Command("trust", "Believes a client alone, such as the grid's own uploader, from its next session on (within 2 h).") { whom, word };
        trust.SetAction((parsed, ct) => GuardedAsync(parsed, data, open, time, log, async (_, desks) =>
        {
            (string id, bool trusted) = (parsed.GetValue(whom)!, parsed.GetValue(word) == "on");
            bool known = await desks.Enrolment.TrustAsync(id, trusted, ct);
            await (known ? parsed.InvocationConfiguration.Output : parsed.InvocationConfiguration.Error).WriteLineAsync(
                !known ? $"There is no client {id}, or it is revoked: see members." : trusted ? $"{id} is believed alone." : $"{id} is one of many.");
            return known ? Done : Failed;
        }));
        return [invite, members, revoke, trust, .. ControlCommands.Of((parsed, ct, act) => GuardedAsync(parsed, data, open, time, log, (grid, desks) => act(grid, desks, ct)))];
    }

    private static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static async Task<int> GuardedAsync(ParseResult parsed, Option<string> data, Func<string, IObjectStore> open, TimeProvider time, ILogger log,
        Func<GridFolder, GridDesks, Task<int>> act)
    {
        try
        {
            string folder = parsed.GetValue(data)!;
            GridFolder grid = GridFolder.Open(folder);
            using GridDesks desks = GridDesks.Of(grid, open(folder), follower: null, time, log);
            return await act(grid, desks);
        }
        catch (Exception e) when (e is GridUnusableException or StoreTroubleException or ControlRefusedException or IOException or UnauthorizedAccessException)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
            return Failed;
        }
    }
}
