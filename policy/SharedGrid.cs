using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>A virtual world whose assets a cache grid shares. What has no entry is neither claimed nor served (SECURITY §4).</summary>
public sealed record SharedGrid
{
    /// <summary>See <see cref="Assets.GridId"/>.</summary>
    public required string Id { get; init; }

    /// <summary>Hosts whose word about an asset's bytes is the grid's own: asset servers, CDN. Lower case, without ports; at most 32.</summary>
    public IReadOnlyList<string> Authorities { get; init; } = [];
}

/// <summary>The ranges stated on <see cref="SharedGrid"/>.</summary>
public sealed class SharedGridValidator : AbstractValidator<SharedGrid>
{
    /// <summary>Builds the rules.</summary>
    public SharedGridValidator()
    {
        RuleFor(g => g.Id).NotEmpty().MaximumLength(255);
        RuleFor(g => g.Authorities).Must(a => a.Count <= 32).WithMessage("A grid has at most 32 authorities.");
        RuleForEach(g => g.Authorities).NotEmpty().MaximumLength(255);
    }
}
