using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>What the operator may have done, with the admin session. More is done by the program's own commands, beside the running master.</summary>
internal sealed class AdminEndpoints(GridFolder grid, EnrolmentDesk desk)
{
    /// <summary>Adds the routes.</summary>
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost(MasterApi.Invites, (RequestDelegate)InviteAsync).WithMetadata(new AdminOnly());

    private async Task InviteAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            if (await desk.InviteAsync(inviter: null, context.RequestAborted) is { } code)
            {
                await context.Response.WriteAsJsonAsync(new NewInvite { Invite = grid.InviteOf(code).ToString() }, MasterJson.Default.NewInvite, cancellationToken: context.RequestAborted);
                return;
            }
            // Too many are open.
            context.Response.StatusCode = StatusCodes.Status409Conflict;
        }
        catch (StoreTroubleException)
        {
            context.Response.Headers.RetryAfter = "10";
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
    }
}
