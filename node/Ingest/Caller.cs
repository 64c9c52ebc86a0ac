using System.Net;

namespace GlobalCache.Node.Ingest;

/// <summary>Who claims or sends, as the session's token says it, and from where.</summary>
/// <param name="Branch">Whom vouching and disputes are counted for.</param>
/// <param name="BranchSince">Since when the branch exists.</param>
/// <param name="ClientKey">The client's public key, SubjectPublicKeyInfo in base64: what it claims and sends is signed by it.</param>
/// <param name="Uploader">Its word alone decides.</param>
/// <param name="Address">The connection's other end.</param>
internal sealed record Caller(string Branch, DateTimeOffset BranchSince, string ClientKey, bool Uploader, IPAddress Address);
