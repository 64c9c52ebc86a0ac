namespace GlobalCache.Office.Sessions;

/// <summary>Lets in who has a session: the token is good, and its client has not been shut out since.</summary>
internal sealed class SessionGate(SessionTokens tokens, Predicate<SessionIdentity> revoked)
{
    private const string Scheme = "Bearer ";

    /// <summary>Who asks; null: nobody we know, and 401 has been answered.</summary>
    public async ValueTask<SessionIdentity?> EnterAsync(HttpContext context)
    {
        string? said = context.Request.Headers.Authorization is [{ } one] ? one : null;
        if (said is not null && said.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && await tokens.VerifyAsync(said[Scheme.Length..]) is { } identity && !revoked(identity)) return identity;
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return null;
    }
}
