using System.Security.Cryptography;
using System.Text;
using FluentValidation;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Policy.Wire;

/// <summary>“I received these bytes from the grid” (SECURITY §4). Never said of bytes that came from a cache.</summary>
public sealed record ClaimLine
{
    /// <summary>
    /// The <see cref="Origin"/> of what an uploader whom the cache grid's owner trusts has put in by hand. From anybody else the whole batch is refused with 403: it was
    /// received from no grid. No host is called so: it has no domain.
    /// </summary>
    public const string ByHand = "import";

    /// <summary>The grid of the region that was asked (<see cref="Assets.GridId"/>).</summary>
    public required string Grid { get; init; }

    /// <summary><c>texture</c>, <c>sound</c>, <c>animation</c> or <c>mesh</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The asset's UUID.</summary>
    public required Guid Id { get; init; }

    /// <summary>SHA-256 of the plain bytes, 64 lower-case hex digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>How many bytes: 1 to the type's cap.</summary>
    public required int Length { get; init; }

    /// <summary>Host that sent them, lower case, without a port; 1 – 255 characters; or <see cref="ByHand"/>. Whether it is an authority of the grid, the node decides (<see cref="SharedGrid"/>).</summary>
    public required string Origin { get; init; }
}

/// <summary>Claims of one client, sent together.</summary>
public sealed record ClaimBatch
{
    /// <summary>Most claims of a batch.</summary>
    public const int MaxLines = 256;

    /// <summary>1 – 256 claims.</summary>
    public required IReadOnlyList<ClaimLine> Lines { get; init; }
}

/// <summary>What the node says to a <see cref="ClaimBatch"/>, line by line.</summary>
public sealed record ClaimAnswers
{
    /// <summary>As many as there were lines: <c>wanted</c>: send the bytes; <c>noted</c>: nothing to do; <c>again</c>: claim once more after <see cref="AgainAfterSeconds"/>.</summary>
    public required IReadOnlyList<ClaimVerdict> Lines { get; init; }

    /// <summary>When to come again with the lines that were told so. 1 – 86 400 s.</summary>
    public int AgainAfterSeconds { get; init; } = 600;
}

/// <summary>See <see cref="ClaimAnswers.Lines"/>. A client takes a word it does not know for <see cref="Noted"/>.</summary>
public enum ClaimVerdict
{
    /// <summary>Nothing to do.</summary>
    Noted,

    /// <summary>These bytes are agreed on and not stored: send them.</summary>
    Wanted,

    /// <summary>Not counted now: too soon after another, or the store is in trouble.</summary>
    Again,
}

/// <summary>What a client signs, so that a node cannot claim in its name: method, path and body's hash, a line each.</summary>
public static class RequestSignature
{
    /// <summary>The bytes that are signed.</summary>
    public static byte[] Of(string method, string path, ReadOnlySpan<byte> body) =>
        Encoding.UTF8.GetBytes($"{method}\n{path}\n{Convert.ToHexStringLower(SHA256.HashData(body))}");
}

/// <summary>The ranges stated on <see cref="ClaimBatch"/> and <see cref="ClaimLine"/>.</summary>
public sealed class ClaimBatchValidator : AbstractValidator<ClaimBatch>
{
    /// <summary>Builds the rules.</summary>
    public ClaimBatchValidator()
    {
        RuleFor(b => b.Lines).NotEmpty().Must(l => l.Count <= ClaimBatch.MaxLines).WithMessage($"A batch holds at most {ClaimBatch.MaxLines} claims.");
        RuleForEach(b => b.Lines).ChildRules(line =>
        {
            line.RuleFor(l => l.Grid).NotEmpty().MaximumLength(255);
            line.RuleFor(l => l.Type).Must(t => AssetTypes.TryParseName(t, out _)).WithMessage("The type is texture, sound, animation or mesh.");
            line.RuleFor(l => l.Sha256).Matches("^[0-9a-f]{64}$");
            line.RuleFor(l => l.Length).Must((l, length) => length > 0 && (!AssetTypes.TryParseName(l.Type, out AssetType type) || length <= type.MaxBytes()))
                .WithMessage("The length is 1 up to the type's cap.");
            line.RuleFor(l => l.Origin).NotEmpty().MaximumLength(255)
                .Must(o => Uri.CheckHostName(o) != UriHostNameType.Unknown && !o.Any(char.IsUpper)).WithMessage("The origin is a host in lower case, without a port.");
        });
    }
}
