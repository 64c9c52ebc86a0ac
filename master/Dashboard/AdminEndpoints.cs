using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using GlobalCache.Master.Reconcile;
using GlobalCache.Office;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>What the operator's calls work on, and ask.</summary>
internal sealed record AdminMeans
{
    /// <summary>Who belongs to the grid, and what holds for all nodes.</summary>
    public required GridOffice Office { get; init; }

    /// <summary>What the fleet is told.</summary>
    public required OrderDesk Orders { get; init; }

    /// <summary>Where it is written what was done. Anybody inside the private network may read it, so it names nobody.</summary>
    public required History History { get; init; }

    /// <summary>The fleet as it was last seen.</summary>
    public required Func<Snapshot> Snapshot { get; init; }

    /// <summary>What an asset's object is called, by a node's word; null: no node answers.</summary>
    public required Func<AssetKey, CancellationToken, Task<string?>> NameOf { get; init; }

    /// <summary>The machines are the operator's own.</summary>
    public bool IsFixed { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }
}

/// <summary>What came of a call: its status, and its sentence or its body.</summary>
internal sealed record AdminOutcome(int Status, object Body)
{
    public static AdminOutcome Done(string said) => new(StatusCodes.Status200OK, new AdminAnswer { Said = said });

    public static AdminOutcome Not(int status, string said) => new(status, new AdminAnswer { Said = said });
}

/// <summary>What the operator may have done, with the admin session (<see cref="AdminApi"/>). The program's own commands do the same beside the running master, and some more.</summary>
internal sealed class AdminEndpoints(AdminMeans means)
{
    private const int MostBytes = 4096;
    private const int Bad = StatusCodes.Status400BadRequest, Missing = StatusCodes.Status404NotFound, Conflict = StatusCodes.Status409Conflict, Later = StatusCodes.Status503ServiceUnavailable;

    private GridDesks Desks => means.Office.Desks;

    /// <summary>Adds the routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder admin = routes.MapGroup("").WithMetadata(new AdminOnly());
        admin.MapPost(MasterApi.Invites, Plain(InviteAsync));
        admin.MapGet(AdminApi.Members, Plain(MembersAsync));
        admin.MapPost(AdminApi.Revocations, With(MasterJson.Default.AdminRevocation, new AdminRevocationValidator(), RevokeAsync));
        admin.MapPost(AdminApi.Bans, With(MasterJson.Default.AdminBan, new AdminBanValidator(), BanAsync));
        admin.MapPost(AdminApi.Trust, With(MasterJson.Default.AdminTrust, new AdminTrustValidator(), TrustAsync));
        admin.MapPost(AdminApi.Throttles, With(MasterJson.Default.AdminThrottle, new AdminThrottleValidator(), ThrottleAsync));
        admin.MapGet(AdminApi.Limits, Plain(LimitsAsync));
        admin.MapPatch(AdminApi.Limits, With(MasterJson.Default.AdminLimits, null, LimitAsync));
        admin.MapDelete(AdminApi.SessionKeys, Plain(RotateAsync));
        admin.MapPost(AdminApi.Retirements, With(MasterJson.Default.AdminRetirement, null, RetireAsync));
        admin.MapPut(AdminApi.Hold, Plain(ct => HoldAsync(true, ct)));
        admin.MapDelete(AdminApi.Hold, Plain(ct => HoldAsync(false, ct)));
    }

    private async Task<AdminOutcome> InviteAsync(CancellationToken ct) => await Desks.Enrolment.InviteAsync(inviter: null, ct) is { } code
        ? new(StatusCodes.Status200OK, new NewInvite { Invite = means.Office.Grid.InviteOf(code).ToString() })
        : AdminOutcome.Not(Conflict, "Too many invites are open: revoke some.");

    private async Task<AdminOutcome> MembersAsync(CancellationToken ct)
    {
        Roll roll = await Desks.Enrolment.RefreshAsync(ct);
        return new(StatusCodes.Status200OK, new AdminMembers
        {
            Clients = [.. roll.Clients.OrderBy(c => c.Value.Since).Select(c => new AdminClient { Id = c.Key, Branch = c.Value.Branch, Since = c.Value.Since, IsTrusted = c.Value.Trusted, IsRevoked = roll.IsRevoked(c.Key, c.Value.Branch) })],
            Invites = [.. roll.Invites.OrderBy(i => i.Value.Expires).Select(i => new AdminInvite { Id = i.Key, Until = i.Value.Expires, UsedBy = i.Value.UsedBy })],
        });
    }

    private async Task<AdminOutcome> RevokeAsync(AdminRevocation asked, CancellationToken ct)
    {
        switch (await Desks.Revocations.RevokeAsync(asked.Id, ct))
        {
            case Revocation.Done:
                Tell("", "The operator takes back an invite, or shuts out a client or a branch.");
                return AdminOutcome.Done("It is revoked: no node serves it within 30 s.");
            case Revocation.Already:
                return AdminOutcome.Done("It was revoked before.");
            case Revocation.Used:
                return AdminOutcome.Not(Conflict, $"This invite has let in {Desks.Enrolment.Roll.Invites[asked.Id].UsedBy}: revoke that client instead.");
            default:
                return AdminOutcome.Not(Missing, "There is no such invite, client or branch.");
        }
    }

    private async Task<AdminOutcome> BanAsync(AdminBan asked, CancellationToken ct)
    {
        string? name = AssetTypes.TryParseName(asked.Type, out AssetType type) ? await means.NameOf(new AssetKey(asked.Grid, type, asked.Id), ct) : null;
        if (name is null)
            return AdminOutcome.Not(Later, "No node answers that could say what the asset's object is called: try again when one is in service, or use the command ban.");
        ControlDocument document = await Desks.Control.ChangeAsync(d => ControlCommands.With(d.Bans, name, asked.Banned) is { } list ? d with { Bans = list } : d, ct);
        Tell("", asked.Banned ? $"The operator bans an asset: {document.Bans.Count} bans hold." : $"The operator lifts a ban: {document.Bans.Count} hold.");
        return AdminOutcome.Done(asked.Banned ? $"It is banned: no node serves it within 30 s. {document.Bans.Count} bans hold." : $"It is not banned. {document.Bans.Count} bans hold.");
    }

    private async Task<AdminOutcome> TrustAsync(AdminTrust asked, CancellationToken ct)
    {
        if (!await Desks.Enrolment.TrustAsync(asked.Client, asked.Trusted, ct)) return AdminOutcome.Not(Missing, "There is no such client, or it is revoked.");
        Tell("", asked.Trusted ? "The operator has a client's word alone decide." : "The operator takes it back that a client's word alone decides.");
        return AdminOutcome.Done(asked.Trusted ? "It is believed alone from its next session on, within 2 h." : "It is one of many from its next session on, within 2 h.");
    }

    private async Task<AdminOutcome> ThrottleAsync(AdminThrottle asked, CancellationToken ct)
    {
        if (asked.Throttled && !(await Desks.Enrolment.RefreshAsync(ct)).Branches.ContainsKey(asked.Branch)) return AdminOutcome.Not(Missing, "There is no such branch.");
        await Desks.Control.ChangeAsync(d => ControlCommands.With(d.ThrottledBranches, asked.Branch, asked.Throttled) is { } list ? d with { ThrottledBranches = list } : d, ct);
        Tell("", asked.Throttled ? "The operator throttles a branch." : "The operator throttles a branch no longer.");
        return AdminOutcome.Done(asked.Throttled ? "It gets a tenth of its quota within 30 s." : "It gets all of its quota again.");
    }

    private async Task<AdminOutcome> LimitsAsync(CancellationToken ct) =>
        new(StatusCodes.Status200OK, AdminLimits.Of((await Desks.Control.ReadAsync(ct)).Policy.Scaling));

    private async Task<AdminOutcome> LimitAsync(AdminLimits asked, CancellationToken ct)
    {
        ControlDocument document = await Desks.Control.ChangeAsync(d => d with { Policy = d.Policy with { Scaling = asked.In(d.Policy.Scaling) } }, ct);
        Tell("", "The operator sets what the fleet may be and cost.");
        return new(StatusCodes.Status200OK, AdminLimits.Of(document.Policy.Scaling));
    }

    private async Task<AdminOutcome> RotateAsync(CancellationToken ct)
    {
        await Desks.Control.ChangeAsync(d => d.SessionKeys.Count == 0 ? d : d with { SessionKeys = [] }, ct);
        // The new one: not later than at its next look, but then nobody waits.
        await means.Office.Keeper.RunOnceAsync(ct);
        Tell("", "The operator ends all sessions: a new key signs from now on.");
        return AdminOutcome.Done("All sessions are over within 30 s; clients get new ones by themselves.");
    }

    private async Task<AdminOutcome> RetireAsync(AdminRetirement asked, CancellationToken ct)
    {
        if (OperatorOrders.Parse(asked.Node) is not { } node) return AdminOutcome.Not(Bad, "Name the node as the page does, such as 0.3.");
        if (means.IsFixed) return AdminOutcome.Not(Conflict, "The machines are your own: stop the node there.");
        if (!means.Snapshot().Nodes.Any(n => n.State is not (NodeState.Gone or NodeState.Foreign) && n.Name == $"node {node}")) return AdminOutcome.Not(Missing, $"There is no node {node} now.");
        await means.Orders.ChangeAsync(o => o.Retiring(node), ct);
        return AdminOutcome.Done($"Node {node} goes when its traffic has ended, half an hour from now at the latest.");
    }

    private async Task<AdminOutcome> HoldAsync(bool isHeld, CancellationToken ct)
    {
        if (means.IsFixed && isHeld) return AdminOutcome.Not(Conflict, "The machines are your own: stop the nodes there.");
        await means.Orders.ChangeAsync(o => o with { IsHeld = isHeld }, ct);
        return AdminOutcome.Done(isHeld ? "All nodes go when their traffic has ended, half an hour from now at the latest, and none is opened until the fleet is to run again." : "The fleet runs again.");
    }

    // What the loop hears of it writes itself; the rest is written here.
    private void Tell(string node, string reason) => means.History.Add(new HistoryEntry(means.Time.GetUtcNow(), node, "order", reason));

    private static RequestDelegate Plain(Func<CancellationToken, Task<AdminOutcome>> act) => async context => await AnswerAsync(context, act);

    private static RequestDelegate With<T>(JsonTypeInfo<T> type, AbstractValidator<T>? valid, Func<T, CancellationToken, Task<AdminOutcome>> act)
        where T : class => async context => await AnswerAsync(context, Judged(await ReadAsync(context, type), valid, act));

    private static Func<CancellationToken, Task<AdminOutcome>> Judged<T>(T? asked, AbstractValidator<T>? valid, Func<T, CancellationToken, Task<AdminOutcome>> act)
        where T : class
    {
        string? wrong = asked is null ? "The body is not what it should be." : valid?.Validate(asked).Errors.FirstOrDefault()?.ErrorMessage;
        return wrong is null ? ct => act(asked!, ct) : _ => Task.FromResult(AdminOutcome.Not(Bad, wrong));
    }

    private static async Task AnswerAsync(HttpContext context, Func<CancellationToken, Task<AdminOutcome>> act)
    {
        AdminOutcome outcome;
        try
        {
            outcome = await act(context.RequestAborted);
        }
        catch (ControlRefusedException e)
        {
            outcome = AdminOutcome.Not(Bad, e.Message.ReplaceLineEndings(" "));
        }
        catch (StoreTroubleException e)
        {
            outcome = AdminOutcome.Not(Later, e.Message);
        }

        if (outcome.Status == Later) context.Response.Headers.RetryAfter = "10";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.StatusCode = outcome.Status;
        await context.Response.WriteAsJsonAsync(outcome.Body, outcome.Body.GetType(), MasterJson.Default, contentType: null, context.RequestAborted);
    }

    private static async Task<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
        where T : class
    {
        byte[] body = new byte[MostBytes + 1];
        try
        {
            int length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
            return length > MostBytes ? null : JsonSerializer.Deserialize(body.AsSpan(0, length), type);
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException)
        {
            return null;
        }
    }
}
