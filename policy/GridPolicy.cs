using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>
/// All that the owner of a cache grid lays down for it, whichever node serves: when bytes are believed, how much a branch may take, which virtual worlds are
/// shared. It travels in the control document (<see cref="Wire.ControlDocument"/>) and takes effect on running nodes within 30 s.
/// </summary>
public sealed record GridPolicy
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        MaxDepth = 8,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>When bytes are believed.</summary>
    public VouchingPolicy Vouching { get; init; } = new();

    /// <summary>How much a branch may take.</summary>
    public QuotaPolicy Quotas { get; init; } = new();

    /// <summary>The virtual worlds shared; at most 64, each once. None: nothing is claimed or served.</summary>
    public IReadOnlyList<SharedGrid> Grids { get; init; } = [];

    /// <summary>How many nodes share the quotas. Default 1, 1 – 1 000. Where a master runs the nodes, it sets this to as many as serve.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>How many nodes a master runs, and when.</summary>
    public ScalingPolicy Scaling { get; init; } = new();

    /// <summary>What machines nodes may run on, and what those cost.</summary>
    public FleetPolicy Fleet { get; init; } = new();

    /// <summary>The policy as a file for people: JSON, camel case, times as <c>d.hh:mm:ss</c>. The same policy has one form only.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <summary>Reads such a file. What it does not name has its default; a name that does not exist is a mistake.</summary>
    /// <exception cref="JsonException">No such file; the message says where.</exception>
    public static GridPolicy Parse(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize<GridPolicy>(json, s_json) ?? throw new JsonException("The file holds nothing.");
}

/// <summary>The ranges stated on <see cref="GridPolicy"/>; all broken ones are reported together.</summary>
public sealed class GridPolicyValidator : AbstractValidator<GridPolicy>
{
    private const int MostGrids = 64;

    /// <summary>Builds the rules.</summary>
    public GridPolicyValidator()
    {
        RuleFor(p => p.Vouching).NotNull().SetValidator(new VouchingPolicyValidator());
        RuleFor(p => p.Quotas).NotNull().SetValidator(new QuotaPolicyValidator());
        RuleFor(p => p.Grids).NotNull().Must(g => g.Count <= MostGrids).WithMessage($"At most {MostGrids} virtual worlds are shared.")
            .Must(g => g.Select(one => one?.Id).Distinct(StringComparer.Ordinal).Count() == g.Count).WithMessage("Each virtual world is named once.");
        RuleForEach(p => p.Grids).NotNull().SetValidator(new SharedGridValidator());
        RuleFor(p => p.Nodes).InclusiveBetween(1, 1000);
        RuleFor(p => p.Scaling).NotNull().SetValidator(new ScalingPolicyValidator());
        RuleFor(p => p.Fleet).NotNull().SetValidator(new FleetPolicyValidator());
    }
}
