using System.Collections.Concurrent;
using System.Security.Cryptography;
using GlobalCache.Policy.Wire;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace GlobalCache.Node.Sessions;

/// <summary>A key of sessions under its name; to check them its public half is enough.</summary>
internal sealed record SessionKey(string Id, ECDsa Key);

/// <summary>
/// Sessions as ES256 JWTs (SECURITY §3), issued and checked without asking anyone. Algorithm, key id, issuer and audience are pinned; clocks
/// may differ by <see cref="Skew"/>. A checked token is remembered until it expires: a signature costs more than the whole answer does.
/// Whether the client has been revoked meanwhile is not the token's business. Safe for concurrent use.
/// </summary>
/// <param name="host">The grid's DNS name: sessions of another grid are none here.</param>
/// <param name="signs">Signs new sessions.</param>
/// <param name="earlier">Keys whose sessions are still good.</param>
/// <param name="time">Wall clock.</param>
internal sealed class SessionTokens(string host, SessionKey signs, IReadOnlyList<SessionKey> earlier, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(4);
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(120);

    private const int MostChars = 2048, MostKnown = 65_536;
    private const string Uploader = "uploader";

    private readonly ConcurrentDictionary<string, Known> _known = new();
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false, MapInboundClaims = false, MaximumTokenSizeInBytes = MostChars };
    private readonly SigningCredentials _credentials = new(KeyOf(signs), SecurityAlgorithms.EcdsaSha256);
    private readonly string _issuer = "gc:sessions:" + host;
    private readonly string _audience = "gc:nodes:" + host;
    private readonly TokenValidationParameters _rules = RulesOf(host, [signs, .. earlier], time);

    private sealed record Known(SessionIdentity Identity, DateTimeOffset Until);

    /// <summary>A new session of a client that has proved to be the one.</summary>
    public Session Issue(SessionIdentity identity)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        var claims = new Dictionary<string, object>
        {
            [JwtRegisteredClaimNames.Sub] = identity.ClientId,
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
            Expires = now + Lifetime,
            Claims = claims,
            SigningCredentials = _credentials,
        });
        return new Session { Token = token, ExpiresIn = (int)Lifetime.TotalSeconds };
    }

    /// <summary>Whose session it is; null: none of this grid's, expired, or not a token at all.</summary>
    public async ValueTask<SessionIdentity?> VerifyAsync(string token)
    {
        if (_known.TryGetValue(token, out Known? known))
        {
            if (time.GetUtcNow() < known.Until) return known.Identity;
            _known.TryRemove(token, out _);
            return null;
        }
        if (token.Length > MostChars) return null;
        TokenValidationResult result = await _handler.ValidateTokenAsync(token, _rules);
        if (!result.IsValid || result.SecurityToken is not JsonWebToken jwt || Read(jwt) is not { } identity) return null;
        // Only what is signed comes this far, so this many means as many clients; they are checked again, no more.
        if (_known.Count >= MostKnown) _known.Clear();
        _known[token] = new Known(identity, new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero) + Skew);
        return identity;
    }

    private static SessionIdentity? Read(JsonWebToken jwt) =>
        jwt.Subject is { Length: > 0 } client && jwt.TryGetPayloadValue(SessionClaims.Branch, out string branch) && branch.Length > 0
        && jwt.TryGetPayloadValue(SessionClaims.BranchSince, out long since) && jwt.TryGetPayloadValue(SessionClaims.ClientKey, out string key)
            ? new SessionIdentity(client, branch, DateTimeOffset.FromUnixTimeSeconds(since), key,
                jwt.TryGetPayloadValue(SessionClaims.Role, out string role) && role == Uploader)
            : null;

    private static TokenValidationParameters RulesOf(string host, SessionKey[] keys, TimeProvider time)
    {
        Dictionary<string, SecurityKey[]> byId = keys.ToDictionary(k => k.Id, k => (SecurityKey[])[KeyOf(k)]);
        return new TokenValidationParameters
        {
            ValidIssuer = "gc:sessions:" + host,
            ValidAudience = "gc:nodes:" + host,
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            TryAllIssuerSigningKeys = false,
            IssuerSigningKeyResolver = (_, _, id, _) => id is not null && byId.TryGetValue(id, out SecurityKey[]? key) ? key : [],
            LifetimeValidator = (_, until, _, _) => until is { } end && time.GetUtcNow().UtcDateTime < end + Skew,
        };
    }

    // The library's own cache outlives us, and would go on using a key of the same name that has been disposed of.
    private static ECDsaSecurityKey KeyOf(SessionKey key) => new(key.Key) { KeyId = key.Id, CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false } };
}
