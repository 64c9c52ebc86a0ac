namespace GlobalCache.Office.Sessions;

/// <summary>Who asks, as the session's token says it (<see cref="Policy.Wire.SessionClaims"/>).</summary>
/// <param name="Subject">The client's pseudonym of the day (<see cref="Pseudonyms"/>).</param>
/// <param name="Branch">Whom quotas and vouching are counted for.</param>
/// <param name="BranchSince">Since when the branch exists.</param>
/// <param name="ClientKey">The client's public key, SubjectPublicKeyInfo in base64: what it claims and uploads is signed by it.</param>
/// <param name="Uploader">Its word alone decides.</param>
internal sealed record SessionIdentity(string Subject, string Branch, DateTimeOffset BranchSince, string ClientKey, bool Uploader = false);
