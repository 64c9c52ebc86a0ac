using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using FluentValidation;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// What a master and its nodes say to each other, on their private listeners and nowhere else (SECURITY §2, §3). Every body is signed with the report key
/// (<see cref="FleetSignature"/>), says when it was written, and is believed once.
/// </summary>
public static class FleetApi
{
    /// <summary>Node to master: <c>POST</c> of a <see cref="NodeReport"/> every 2 s: 200 with a <see cref="ReportAnswer"/>; 403 not signed, too old, said before, or not from an address of this grid's fleet.</summary>
    public const string Reports = "/v1/reports";

    /// <summary>Node to master: <c>POST</c> of a <see cref="CertificateRequestBody"/>: 200 with a <see cref="NodeCertificate"/>; 403 as above, or for a name that is not the sender's.</summary>
    public const string Certificates = "/v1/certificates";

    /// <summary>Master to node: <c>POST</c> of a <see cref="NodeOrder"/>: 204 understood; 403 not signed; 409 a later master or a later word has been heard.</summary>
    public const string Orders = "/v1/orders";

    /// <summary>Master to node: <c>POST</c> of an <see cref="AssetNameRequest"/>: 200 with an <see cref="AssetName"/>; 403 not signed.</summary>
    public const string Names = "/v1/names";

    /// <summary>Base64url of the <see cref="FleetSignature"/> of the body.</summary>
    public const string SignatureHeader = "GC-Fleet-Signature";

    /// <summary>Longer bodies are not read: 16 KiB.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>How far the time in a body may be from the reader's clock, in seconds: 120.</summary>
    public const int SkewSeconds = 120;
}

/// <summary>The signature of a body: HMAC-SHA256 under the report key over <c>gc/fleet/1</c> ‖ path ‖ 0 ‖ body, so that what was said for one purpose serves no other.</summary>
public static class FleetSignature
{
    /// <summary>The header's value.</summary>
    public static string Of(byte[] key, string path, ReadOnlySpan<byte> body) => Base64Url.EncodeToString(Hash(key, path, body));

    /// <summary>Whether it is the one; in constant time.</summary>
    public static bool IsGood(byte[] key, string path, ReadOnlySpan<byte> body, string? signature)
    {
        Span<byte> given = stackalloc byte[HMACSHA256.HashSizeInBytes];
        return Base64UrlBytes.TryRead(signature, given) && CryptographicOperations.FixedTimeEquals(given, Hash(key, path, body));
    }

    private static byte[] Hash(byte[] key, string path, ReadOnlySpan<byte> body)
    {
        byte[] said = [.. "gc/fleet/1"u8, .. Encoding.UTF8.GetBytes(path), 0, .. body];
        return HMACSHA256.HashData(key, said);
    }
}

/// <summary>How a node does. Sums only: no asset, client or address (SECURITY §7).</summary>
public sealed record NodeReport
{
    /// <summary>The instance's name as the fleet knows it, 1 – 64 characters.</summary>
    public required string Node { get; init; }

    /// <summary>Unix milliseconds by the node's clock; rises with every report of a node.</summary>
    public required long At { get; init; }

    /// <summary>Whether store, keys and control document are good.</summary>
    public required bool Ready { get; init; }

    /// <summary>Whether it has been told to go.</summary>
    public required bool Draining { get; init; }

    /// <summary>The epoch of the last order it took; 0: none yet.</summary>
    public long Epoch { get; init; }

    /// <summary>Requests a second for assets over the last 10 s.</summary>
    public double RequestsPerSecond { get; init; }

    /// <summary>Requests being answered now.</summary>
    public int InFlight { get; init; }

    /// <summary>Seconds since a client's last request came; since the start where none has.</summary>
    public double QuietSeconds { get; init; }

    /// <summary>Share of all processors used over the last 10 s, 0 – 1.</summary>
    public double Cpu { get; init; }

    /// <summary>Bytes a second sent to clients over the last 10 s.</summary>
    public double SentBytesPerSecond { get; init; }

    /// <summary>The tightest of CPU, egress against the link, and requests in flight: 0 – 1, more when overloaded.</summary>
    public double Load { get; init; }

    /// <summary>The slowest hundredth of the last 10 s' requests took longer, in milliseconds; 0 without requests.</summary>
    public double SlowestMilliseconds { get; init; }

    /// <summary>Assets served since the start.</summary>
    public long Hits { get; init; }

    /// <summary>Asset requests answered “not here” since the start.</summary>
    public long Misses { get; init; }

    /// <summary>Bytes of assets sent since the start.</summary>
    public long SentBytes { get; init; }

    /// <summary>Branches that leave their checks unanswered.</summary>
    public int FlaggedBranches { get; init; }

    /// <summary>The control document it goes by.</summary>
    public long ControlSequence { get; init; }

    /// <summary>Serial number of its certificate, upper-case hex; empty: none yet.</summary>
    public string Serial { get; init; } = "";
}

/// <summary>The master has heard a report: by it a node knows that it is wanted (<c>OrphanHours</c>).</summary>
public sealed record ReportAnswer
{
    /// <summary>The epoch of the master's lease.</summary>
    public required long Epoch { get; init; }
}

/// <summary>A node asks for a certificate: its key was made in its memory and stays there.</summary>
public sealed record CertificateRequestBody
{
    /// <summary>As in <see cref="NodeReport.Node"/>.</summary>
    public required string Node { get; init; }

    /// <summary>Unix milliseconds by the node's clock; rises with every request of a node.</summary>
    public required long At { get; init; }

    /// <summary>PKCS#10 in base64, of a P-256 key, self-signed. What it says of names is not believed.</summary>
    public required string Request { get; init; }
}

/// <summary>The certificate: the name all nodes share, and <c>URI:gc:node/ID</c>; good for 48 h.</summary>
public sealed record NodeCertificate
{
    /// <summary>DER in base64.</summary>
    public required string Certificate { get; init; }
}

/// <summary>What a node is to do.</summary>
public enum NodeWord
{
    /// <summary>Serve, also when it was told to drain before.</summary>
    Serve,

    /// <summary>Serve on, and tell clients to go elsewhere.</summary>
    Drain,

    /// <summary>You are about to be ended: 204 only from a node that drains and has nothing in flight.</summary>
    Retire,
}

/// <summary>An order of the master. A node takes none of an earlier epoch, and within one epoch none written earlier than the last it took.</summary>
public sealed record NodeOrder
{
    /// <summary>Whom it is for, so that it cannot be replayed to another.</summary>
    public required string Node { get; init; }

    /// <summary>Unix milliseconds by the master's clock.</summary>
    public required long At { get; init; }

    /// <summary>Of the master's lease, ≥ 1.</summary>
    public required long Epoch { get; init; }

    /// <summary>What to do.</summary>
    public required NodeWord Word { get; init; }
}

/// <summary>“What is this asset's object called?” The master holds no key by which names are made, and bans are kept by name.</summary>
public sealed record AssetNameRequest
{
    /// <summary>Unix milliseconds by the master's clock.</summary>
    public required long At { get; init; }

    /// <summary>The virtual world's id.</summary>
    public required string Grid { get; init; }

    /// <summary>texture, sound, animation or mesh.</summary>
    public required string Type { get; init; }

    /// <summary>The asset.</summary>
    public required Guid Id { get; init; }
}

/// <summary>The answer.</summary>
public sealed record AssetName
{
    /// <summary>64 hex digits.</summary>
    public required string Name { get; init; }
}

/// <summary>The ranges stated on <see cref="NodeReport"/>: a report beyond them counts as none at all (SCALING §5.6).</summary>
public sealed class NodeReportValidator : AbstractValidator<NodeReport>
{
    private const double Most = 1e12;

    /// <summary>Builds the rules.</summary>
    public NodeReportValidator()
    {
        RuleFor(r => r.Node).NotNull().Length(1, 64);
        RuleFor(r => r.Serial).NotNull().MaximumLength(64);
        RuleFor(r => r.InFlight).GreaterThanOrEqualTo(0);
        RuleFor(r => r).Must(r => Figures(r).All(f => f is >= 0 and <= Most)).WithName("Figures").WithMessage("A figure of the report is beyond all measure.");
        RuleFor(r => r).Must(r => r.Epoch >= 0 && r.Hits >= 0 && r.Misses >= 0 && r.SentBytes >= 0 && r.ControlSequence >= 0 && r.FlaggedBranches >= 0)
            .WithName("Sums").WithMessage("A sum of the report is negative.");
    }

    // NaN is in no range.
    private static double[] Figures(NodeReport r) => [r.RequestsPerSecond, r.QuietSeconds, r.Cpu, r.SentBytesPerSecond, r.Load, r.SlowestMilliseconds];
}
