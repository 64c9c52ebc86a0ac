using System.Collections.Concurrent;
using GlobalCache.Policy.Wire;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace GlobalCache.Office.Sessions;

/// <summary>
/// Sessions as ES256 JWTs (SECURITY §3), issued and checked without asking anyone. Algorithm, key id, issuer and audience are pinned; clocks
/// may differ by <see cref="Skew"/>. A checked token is remembered until it expires: a signature costs more than the whole answer does.
/// Whether the client has been revoked meanwhile is not the token's business; that its key has been is. Safe for concurrent use.
/// </summary>
/// <param name="host">The grid's DNS name: sessions of another grid are none here.</param>
/// <param name="keys">They change while sessions live.</param>
/// <param name="time">Wall clock.</param>
internal sealed class SessionTokens(string host, SessionKeyRing keys, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(4);
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(120);

    // Shorter ones would be renewed without end.
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(10);

    private const int MostChars = 2048, MostKnown = 65_536;
    private const string Uploader = "uploader";

    private readonly ConcurrentDictionary<string, Known> _known = new();
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false, MapInboundClaims = false, MaximumTokenSizeInBytes = MostChars };
    private readonly string _issuer = "gc:sessions:" + host;
    private readonly string _audience = "gc:nodes:" + host;
    private readonly TokenValidationParameters _rules = RulesOf(host, keys, time);

    /// <param name="host">As above.</param>
    /// <param name="signs">Signs new sessions.</param>
    /// <param name="earlier">Keys whose sessions are still good.</param>
    /// <param name="time">Wall clock.</param>
    public SessionTokens(string host, SessionKey signs, IReadOnlyList<SessionKey> earlier, TimeProvider time)
        : this(host, SessionKeyRing.Of(signs, earlier), time)
    {
    }

    private sealed record Known(SessionIdentity Identity, string KeyId, DateTimeOffset Until);

    /// <summary>A new session of a client that has proved to be the one. Null: there is no key for it now, or none that lasts.</summary>
    public Session? Issue(SessionIdentity identity)
    {
        if (keys.Signs() is not { } signs) return null;
        DateTime now = time.GetUtcNow().UtcDateTime;
        // Where the key could not be prolonged, its sessions are the shorter.
        TimeSpan left = signs.GoodUntil == DateTimeOffset.MaxValue ? Lifetime : signs.GoodUntil.UtcDateTime - Skew - now, lifetime = left < Lifetime ? left : Lifetime;
        if (lifetime < Shortest) return null;
        var claims = new Dictionary<string, object>
        {
            [JwtRegisteredClaimNames.Sub] = identity.Subject,
            [SessionClaims.Branch] = identity.Branch,
            [SessionClaims.BranchSince] = identity.BranchSince.ToUnixTimeSeconds(),
            [SessionClaims.ClientKey] = identity.ClientKey,
        };
        if (identity.Uploader) claims[SessionClaims.Role] = Uploader;
        string token = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = _issuer,
            Audience = _audience,
            IssuedAt = now,
            Expires = now + lifetime,
            Claims = claims,
            SigningCredentials = new SigningCredentials(signs.Jwt, SecurityAlgorithms.EcdsaSha256),
        });
        return new Session { Token = token, ExpiresIn = (int)lifetime.TotalSeconds };
    }

    /// <summary>Whose session it is; null: none of this grid's, expired, or not a token at all.</summary>
    public async ValueTask<SessionIdentity?> VerifyAsync(string token)
    {
        if (_known.TryGetValue(token, out Known? known))
        {
            if (time.GetUtcNow() < known.Until && keys.Find(known.KeyId) is not null) return known.Identity;
            _known.TryRemove(token, out _);
            return null;
        }
        if (token.Length > MostChars) return null;
        if (KeyIdOf(token) is not { } id || (keys.Find(id) is null && (!await keys.LookAgain() || keys.Find(id) is null))) return null;
        TokenValidationResult result = await _handler.ValidateTokenAsync(token, _rules);
        if (!result.IsValid || result.SecurityToken is not JsonWebToken jwt || Read(jwt) is not { } identity) return null;
        // Only what is signed comes this far, so this many means as many clients; they are checked again, no more.
        if (_known.Count >= MostKnown) _known.Clear();
        _known[token] = new Known(identity, id, new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero) + Skew);
        return identity;
    }

    private static SessionIdentity? Read(JsonWebToken jwt) =>
        jwt.Subject is { Length: > 0 } client && jwt.TryGetPayloadValue(SessionClaims.Branch, out string branch) && branch.Length > 0
        && jwt.TryGetPayloadValue(SessionClaims.BranchSince, out long since) && jwt.TryGetPayloadValue(SessionClaims.ClientKey, out string key)
            ? new SessionIdentity(client, branch, DateTimeOffset.FromUnixTimeSeconds(since), key,
                jwt.TryGetPayloadValue(SessionClaims.Role, out string role) && role == Uploader)
            : null;

    // Before its signature has been checked, so it is nothing but a name to look under.
    private string? KeyIdOf(string token)
    {
        try
        {
            return _handler.CanReadToken(token) ? _handler.ReadJsonWebToken(token).Kid : null;
        }
        // Not all of it is documented: a piece that is no base64url is a FormatException.
        catch (Exception e) when (e is ArgumentException or SecurityTokenException or FormatException)
        {
            return null;
        }
    }

    private static TokenValidationParameters RulesOf(string host, SessionKeyRing keys, TimeProvider time) => new()
    {
        ValidIssuer = "gc:sessions:" + host,
        ValidAudience = "gc:nodes:" + host,
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
        RequireSignedTokens = true,
        RequireExpirationTime = true,
        TryAllIssuerSigningKeys = false,
        IssuerSigningKeyResolver = (_, _, id, _) => id is not null && keys.Find(id) is { } key ? [key.Jwt] : [],
        LifetimeValidator = (_, until, _, _) => until is { } end && time.GetUtcNow().UtcDateTime < end + Skew,
    };
}
