using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>
/// What machines nodes may run on, and what those cost. The first two lines of defence against a runaway bill stand beside each other: the master asks for nothing
/// else, and the permissions generated from this (<see cref="Cloud.IamDocuments"/>) make AWS refuse anything else. How many and how much money is
/// <see cref="ScalingPolicy"/>'s. Read by the master at every tick; what the permissions depend on changes with the next <c>pulumi up</c>.
/// </summary>
public sealed record FleetPolicy
{
    private static readonly NodeType[] s_types =
    [
        new() { Name = "c6i.large", PricePerHour = 0.085m },
        new() { Name = "c7i.large", PricePerHour = 0.08925m },
        new() { Name = "m7i.large", PricePerHour = 0.1008m },
    ];

    /// <summary>Currency of every price here and every spend cap in <see cref="ScalingPolicy"/>: three capital letters (ISO 4217). Default USD.</summary>
    public string Currency { get; init; } = "USD";

    /// <summary>
    /// Types of machine a node may be, the one preferred first; a later one is asked for when the cloud has none of the earlier. 1 – 8, each once, all of the
    /// image's processor architecture. Default: three x86-64 types of two processors.
    /// </summary>
    public IReadOnlyList<NodeType> Types { get; init; } = s_types;

    /// <summary>Availability zones with a subnet for nodes; nodes are spread over them. Default 3, 1 – 6 (each subnet is named in the permissions, which have a size limit).</summary>
    public int Zones { get; init; } = 3;

    /// <summary>A node's only disk, encrypted gp3, in GB (2³⁰ bytes): the system and nothing that must last. AWS refuses a bigger one. Default 10, 8 – 1 000; at least the image's.</summary>
    public int VolumeGigabytes { get; init; } = 10;

    /// <summary>A node that no master has heard for so many hours ends itself, so that no orphan is paid for ever. Default 24, 1 – 720.</summary>
    public int OrphanHours { get; init; } = 24;

    /// <summary>Bytes a second that the link of a machine without a type carries: a process on this machine, or one of the owner's. Default 375 000 000 (3 Gbit/s), 1 000 – 1 000 000 000 000.</summary>
    public long LinkBytesPerSecond { get; init; } = 375_000_000;

    /// <summary>What a machine of this type costs an hour; one not listed, or not known yet, is taken to cost as much as the dearest, so that a cap errs on the safe side.</summary>
    /// <param name="type">A name of <see cref="Types"/>.</param>
    /// <returns>In <see cref="Currency"/>.</returns>
    public decimal PricePerHour(string type) => Types.FirstOrDefault(t => t.Name == type)?.PricePerHour ?? Types.Max(t => t.PricePerHour);

    /// <summary>What the link of a machine of this type carries; see <see cref="LinkBytesPerSecond"/> for others.</summary>
    /// <param name="type">A name of <see cref="Types"/>.</param>
    /// <returns>Bytes a second.</returns>
    public long LinkOf(string type) => Types.FirstOrDefault(t => t.Name == type)?.LinkBytesPerSecond ?? LinkBytesPerSecond;
}

/// <summary>
/// A type of EC2 machine. Nodes are on-demand only: a spot machine is taken away with two minutes' notice, which is less than a drain takes.
/// </summary>
public sealed record NodeType
{
    /// <summary>AWS' name, such as <c>c6i.large</c>: family, dot, size; at most 32 characters.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// On-demand price an hour in <see cref="FleetPolicy.Currency"/>, from AWS' price list for the region; 0 – 1 000. The defaults of <see cref="FleetPolicy.Types"/> are
    /// those of us-east-1 as remembered in 2026: put in your region's. Only money shown and capped depends on it.
    /// </summary>
    public required decimal PricePerHour { get; init; }

    /// <summary>
    /// Bytes a second its link carries for hours on end: the baseline of AWS' “network performance” table, not the burst. Default 97 600 000 (0.781 Gbit/s, the
    /// baseline of a c6i.large), 1 000 – 1 000 000 000 000.
    /// </summary>
    public long LinkBytesPerSecond { get; init; } = 97_600_000;

    /// <summary>Virtual processors, which is what an account's quota counts. Default 2, 1 – 448.</summary>
    public int Processors { get; init; } = 2;
}

/// <summary>The ranges stated on <see cref="FleetPolicy"/>; all broken ones are reported together.</summary>
public sealed class FleetPolicyValidator : AbstractValidator<FleetPolicy>
{
    private const int MostTypes = 8;

    /// <summary>Builds the rules.</summary>
    public FleetPolicyValidator()
    {
        RuleFor(p => p.Currency).NotNull().Matches("^[A-Z]{3}$").WithMessage("'Currency' is three capital letters, such as USD.");
        RuleFor(p => p.Types).NotNull().Must(t => t.Count is >= 1 and <= MostTypes).WithMessage($"1 to {MostTypes} types of machine are allowed.")
            .Must(t => t.Select(one => one?.Name).Distinct(StringComparer.Ordinal).Count() == t.Count).WithMessage("Each type of machine is named once.");
        RuleForEach(p => p.Types).NotNull().SetValidator(new NodeTypeValidator());
        RuleFor(p => p.Zones).InclusiveBetween(1, 6);
        RuleFor(p => p.VolumeGigabytes).InclusiveBetween(8, 1000);
        RuleFor(p => p.OrphanHours).InclusiveBetween(1, 720);
        RuleFor(p => p.LinkBytesPerSecond).InclusiveBetween(1000, 1_000_000_000_000);
    }
}

/// <summary>The ranges stated on <see cref="NodeType"/>.</summary>
public sealed class NodeTypeValidator : AbstractValidator<NodeType>
{
    /// <summary>Builds the rules.</summary>
    public NodeTypeValidator()
    {
        // No wildcard gets into a permission.
        RuleFor(t => t.Name).NotNull().MaximumLength(32).Matches(@"^[a-z0-9-]+\.[a-z0-9-]+$").WithMessage("A type of machine has a name such as c6i.large.");
        RuleFor(t => t.PricePerHour).InclusiveBetween(0m, 1000m);
        RuleFor(t => t.LinkBytesPerSecond).InclusiveBetween(1000, 1_000_000_000_000);
        RuleFor(t => t.Processors).InclusiveBetween(1, 448);
    }
}
