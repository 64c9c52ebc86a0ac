using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>What the OpenAPI documents say of <see cref="EnrolmentEndpoints"/>, of a master and of a node alone.</summary>
internal static class EnrolmentCalls
{
    private const string Json = "application/json";

    /// <summary>The five calls.</summary>
    public static Dictionary<(string Method, string Path), ApiCall> All { get; } = new()
    {
        [("GET", EnrolmentApi.GridFile)] = new("The grid's description", "How to find the grid and know that it is the one; it holds no secret.", null, [],
            [new(200, "grid.json.", Json, typeof(GridFile), [new(EnrolmentApi.GridMac, "A master's: base64url of an HMAC-SHA256 under the SHA-256 of the admin code, by which the operator knows it.")]), new(429, "Knocks too often.", null, null, [ApiCall.Later])]),
        [("POST", EnrolmentApi.Enrolments)] = new("Joins by an invite", "The same key with the same invite is answered as before.", typeof(EnrolmentRequest), [], Refusable(typeof(Enrolled)), Body: Json),
        [("GET", EnrolmentApi.Nonce)] = new("A nonce to be signed", "Good for a minute, at any node of the grid.", null, [], Refusable(typeof(SessionNonce))),
        [("POST", EnrolmentApi.Invites)] = new("Makes an invite", $"Of a member's, into its own branch; at most {EnrolmentApi.MostOpenInvites} in seven days.", typeof(SessionRequest), [], Refusable(typeof(NewInvite)), Body: Json),
        [("POST", EnrolmentApi.Sessions)] = new("Begins a session", "For 4 h; to be renewed at half of it.", typeof(SessionRequest), [], Refusable(typeof(Session)), Body: Json),
    };

    private static IReadOnlyList<ApiAnswer> Refusable(Type given) =>
    [
        new(200, "So it is.", Json, given), new(403, "Refused: always the same empty answer, whatever the reason."),
        new(429, "Knocks too often.", null, null, [ApiCall.Later]), new(503, "The store cannot say: come again after Retry-After.", null, null, [ApiCall.Later]),
    ];
}
