namespace GlobalCache.Policy.Wire;

/// <summary>Paths of enrolment and sessions (SECURITY §3); served by the master, in local mode by the node itself.</summary>
public static class EnrolmentApi
{
    /// <summary><c>POST</c> of an <see cref="EnrolmentRequest"/>: 200 with an <see cref="Enrolled"/>; 403 unknown, used, expired or revoked invite, all alike.</summary>
    public const string Enrolments = "/v1/enrolments";

    /// <summary>
    /// <c>GET</c>, without a session: 200 with the <see cref="Wire.GridFile"/>, which holds no secret; 429 asked too often. Believed by nobody for its own
    /// sake: an invite's fingerprint says which authority it must name (<see cref="InviteText"/>), and the operator knows it by <see cref="GridMac"/>.
    /// </summary>
    public const string GridFile = "/v1/grid.json";

    /// <summary>
    /// On a master's answer to <see cref="GridFile"/>: that who answers knows the SHA-256 of the admin code (<see cref="Wire.GridMac"/>). So the operator's first call trusts an
    /// authority that was born in the cloud, and has said nothing secret before it does.
    /// </summary>
    public const string GridMac = "GC-Grid-Mac";

    /// <summary><c>GET</c>: a <see cref="SessionNonce"/>, good for a minute.</summary>
    public const string Nonce = "/v1/sessions/nonce";

    /// <summary><c>POST</c> of a <see cref="SessionRequest"/>: 200 with a <see cref="Session"/>; 403 unknown or revoked client, wrong proof.</summary>
    public const string Sessions = "/v1/sessions";

    /// <summary>
    /// <c>POST</c> of a <see cref="SessionRequest"/> by a member: 200 with a <see cref="NewInvite"/> into the member's own branch, good for 7 days; 403 unknown or revoked client, wrong
    /// proof, or <see cref="MostOpenInvites"/> of the member's are open, all alike.
    /// </summary>
    public const string Invites = "/v1/enrolments/invites";

    /// <summary>Invites of one member's that were made within 7 days, used or not. 5.</summary>
    public const int MostOpenInvites = 5;
}

/// <summary>“Let me in.”</summary>
public sealed record EnrolmentRequest
{
    /// <summary>The code: 128 bits, good for 7 days, once.</summary>
    public required string Invite { get; init; }

    /// <summary>The client's own public key, P-256, SubjectPublicKeyInfo in base64.</summary>
    public required string PublicKey { get; init; }
}

/// <summary>The client belongs to the grid now, in its inviter's branch.</summary>
public sealed record Enrolled
{
    /// <summary>What the client calls itself from now on.</summary>
    public required string ClientId { get; init; }
}

/// <summary>To be signed by the client's key: proof that it is at hand.</summary>
public sealed record SessionNonce
{
    /// <summary>16 random bytes, base64url.</summary>
    public required string Nonce { get; init; }
}

/// <summary>Asks for a session.</summary>
public sealed record SessionRequest
{
    /// <summary>From <see cref="Enrolled"/>.</summary>
    public required string ClientId { get; init; }

    /// <summary>From <see cref="SessionNonce"/>.</summary>
    public required string Nonce { get; init; }

    /// <summary>ECDSA P-256 (r ‖ s, base64url) over <c>gc/session/1 ‖ nonce ‖ client id</c>, UTF-8.</summary>
    public required string Proof { get; init; }
}

/// <summary>A session: an ES256 JWT that nodes check without asking anyone.</summary>
public sealed record Session
{
    /// <summary>Goes into <c>Authorization: Bearer</c>.</summary>
    public required string Token { get; init; }

    /// <summary>Seconds from now on the client's own monotonic clock; 4 h. Renew at half of it.</summary>
    public required int ExpiresIn { get; init; }

    /// <summary>Serial numbers, upper-case hex, of node certificates that are not to be believed though their time is not over; none is the rule, 1 024 the most.</summary>
    public IReadOnlyList<string> DeniedSerials { get; init; } = [];
}

/// <summary>The claims of a session's token beside iss, aud, iat and exp.</summary>
public static class SessionClaims
{
    /// <summary>The branch: whom quotas and vouching are counted for.</summary>
    public const string Branch = "br";

    /// <summary>Unix seconds since when the branch exists.</summary>
    public const string BranchSince = "bs";

    /// <summary>The client's public key (<see cref="EnrolmentRequest.PublicKey"/>): claims and uploads are signed by it.</summary>
    public const string ClientKey = "ck";

    /// <summary><c>uploader</c>: its word alone decides.</summary>
    public const string Role = "role";
}
