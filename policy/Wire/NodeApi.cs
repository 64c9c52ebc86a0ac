namespace GlobalCache.Policy.Wire;

/// <summary>The node's HTTP interface (DESIGN §3): paths and header names. HTTPS, HTTP/1.1 and HTTP/2, certificate of the grid's own CA. No call lists, searches or counts.</summary>
public static class NodeApi
{
    /// <summary>
    /// <c>GET</c>: the whole sealed asset, with <see cref="AssetKeyHeader"/>. 404 alike for absent, not agreed, banned, withheld and foreign
    /// grid; 401 without a valid session; 429 with Retry-After beyond the quota; 503 while not ready. <c>PUT</c>: the wanted plain bytes, signed.
    /// 204 stored or already there; 409 not what is agreed on; 413 above the type's cap; 422 not a valid asset of its type.
    /// </summary>
    public const string Asset = "/v1/assets/{grid}/{type}/{id}";

    /// <summary><c>POST</c> of a signed <see cref="ClaimBatch"/>; answered by <see cref="ClaimAnswers"/>.</summary>
    public const string Claims = "/v1/claims";

    /// <summary><c>POST</c> of a signed <see cref="ClaimBatch"/> of what differed from what this cache served; 202, or 429 beyond the day's disputes.</summary>
    public const string Disputes = "/v1/disputes";

    /// <summary><c>GET</c>, without a session: 200 while the process lives.</summary>
    public const string Health = "/healthz";

    /// <summary>Base64url of K_asset, 32 bytes (SECURITY §1): opens this one sealing of this one asset. Never to be stored or logged.</summary>
    public const string AssetKeyHeader = "GC-Asset-Key";

    /// <summary><c>1</c>: this node serves on, but is about to go; new requests had better go to another.</summary>
    public const string DrainingHeader = "GC-Draining";

    /// <summary>Base64url of the client key's ECDSA P-256 signature (r ‖ s) over <see cref="RequestSignature"/>.</summary>
    public const string SignatureHeader = "GC-Signature";

    /// <summary>
    /// On a 200: the share of the branch's day that is left, 0.00 – 1.00, as the node knows it. A client that fetches ahead of its viewer stops
    /// where less than half is left (SECURITY §5).
    /// </summary>
    public const string QuotaLeftHeader = "GC-Quota-Left";

    /// <summary>The path of one asset.</summary>
    public static string PathOf(Assets.AssetKey key) => $"/v1/assets/{Uri.EscapeDataString(key.GridId)}/{Assets.AssetTypes.Name(key.Type)}/{key.Id:D}";
}
