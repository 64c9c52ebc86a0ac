using System.Text.Json;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>
/// Enrolment and sessions over HTTPS (<see cref="EnrolmentApi"/>). Every refusal is the same empty 403, whatever the reason, so that nobody learns
/// which invites and clients there are; 429 knocks too often, 503 when the store cannot say.
/// </summary>
internal sealed class EnrolmentEndpoints(EnrolmentDesk desk, OfficeKey key, SessionTokens tokens, GridBody grid, Func<string, string> inviteOf, Func<IReadOnlyList<string>> denied, TimeProvider time, ILogger log)
{
    private const int MostBytes = 4096, MostClientId = 64;
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { MaxDepth = 8 };

    private readonly SessionNonces _nonces = new(key);
    private readonly AddressLimits _limits = new();

    /// <summary>Adds the five routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(EnrolmentApi.GridFile, Guarded(_ => Task.FromResult<object?>(grid)));
        routes.MapPost(EnrolmentApi.Enrolments, Guarded(EnrolAsync));
        routes.MapGet(EnrolmentApi.Nonce, Guarded(_ => Task.FromResult<object?>(new SessionNonce { Nonce = _nonces.Next(time.GetUtcNow()) })));
        routes.MapPost(EnrolmentApi.Sessions, Guarded(StartSessionAsync));
        routes.MapPost(EnrolmentApi.Invites, Guarded(InviteAsync));
    }

    private async Task<object?> EnrolAsync(HttpContext context)
    {
        if (await ReadAsync<EnrolmentRequest>(context) is not { Invite: { } invite, PublicKey: { } offered }) return null;
        // The whole text of an invite does as well as its code.
        string code = InviteText.TryParse(invite, out InviteText? whole) ? whole.Code : invite;
        if (!InviteText.IsCode(code) || !ClientKeys.TryNormalise(offered, out string? key)) return null;
        return await desk.EnrolAsync(code, key, context.RequestAborted) is { } client ? new Enrolled { ClientId = client } : null;
    }

    private async Task<object?> InviteAsync(HttpContext context) =>
        await ProvenAsync(context) is { } known && await desk.InviteAsync(known.Client, context.RequestAborted) is { } code ? new NewInvite { Invite = inviteOf(code) } : null;

    private async Task<object?> StartSessionAsync(HttpContext context)
    {
        if (await ProvenAsync(context) is not { } known) return null;
        Session session = tokens.Issue(new SessionIdentity(Pseudonyms.Of(key, known.Client, time.GetUtcNow()), known.Member.Branch, known.Branch.Since, known.Member.PublicKey, known.Member.Trusted))
            ?? throw new StoreTroubleException("There is no key for new sessions: it could not be published.");
        return session with { DeniedSerials = denied() };
    }

    /// <summary>Who asks, where they have proven it; null: nobody that is let in.</summary>
    private async Task<(string Client, Member Member, Branch Branch)?> ProvenAsync(HttpContext context)
    {
        if (await ReadAsync<SessionRequest>(context) is not { ClientId: { Length: <= MostClientId } client, Nonce: { } nonce, Proof: { } proof }) return null;
        if (!_nonces.IsFresh(nonce, time.GetUtcNow())) return null;
        (Member Member, Branch Branch)? found = await desk.FindAsync(client, context.RequestAborted);
        if (!ClientKeys.Proves(found?.Member.PublicKey, nonce, client, proof) || found is not { } known) return null;
        // Last, so that nobody can use up another's nonce.
        return _nonces.TryUse(nonce, time.GetUtcNow()) ? (client, known.Member, known.Branch) : null;
    }

    private RequestDelegate Guarded(Func<HttpContext, Task<object?>> answer) => async context =>
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!_limits.TryTake(context.Connection.RemoteIpAddress, time.GetUtcNow()))
        {
            context.Response.Headers.RetryAfter = "60";
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }
        object? given;
        try
        {
            given = await answer(context);
        }
        catch (StoreTroubleException e)
        {
            log.InTrouble(e.Message);
            context.Response.Headers.RetryAfter = "10";
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        if (given is null) context.Response.StatusCode = StatusCodes.Status403Forbidden;
        else if (given is GridBody body) await body.WriteAsync(context.Response, context.RequestAborted);
        else await context.Response.WriteAsJsonAsync(given, given.GetType(), Json, context.RequestAborted);
    };

    /// <summary>The body, or null when it is too long or not what it should be.</summary>
    private static async Task<T?> ReadAsync<T>(HttpContext context)
        where T : class
    {
        byte[] body = new byte[MostBytes + 1];
        try
        {
            int length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
            return length > MostBytes ? null : JsonSerializer.Deserialize<T>(body.AsSpan(0, length), Json);
        }
        catch (Exception e) when (e is JsonException or BadHttpRequestException)
        {
            return null;
        }
    }
}

/// <summary>The routes of enrolment, as the composition adds them.</summary>
internal static class EnrolmentRoutes
{
    /// <summary>Adds the routes.</summary>
    public static void MapEnrolment(
        this IEndpointRouteBuilder routes, EnrolmentDesk desk, OfficeKey key, SessionTokens tokens, GridBody grid, Func<string, string> inviteOf, Func<IReadOnlyList<string>> denied, TimeProvider time, ILogger log) =>
        new EnrolmentEndpoints(desk, key, tokens, grid, inviteOf, denied, time, log).Map(routes);
}
