using FluentValidation;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// <c>grid.json</c>: how to find a cache grid and how to know that it is the one (DESIGN §3, SECURITY §2). It holds no secret: whoever
/// has it can ask, and is let in by an invite alone.
/// </summary>
public sealed record GridFile
{
    /// <summary>A name for people, 1 – 64 characters.</summary>
    public required string Name { get; init; }

    /// <summary>The DNS name all nodes share; their certificates bear it.</summary>
    public required string Host { get; init; }

    /// <summary>Port of the nodes. 1 – 65 535.</summary>
    public required int Port { get; init; }

    /// <summary>The zone's own name servers, <c>host:port</c>, asked first; at most 8. Empty: the system's resolver alone.</summary>
    public IReadOnlyList<string> NameServers { get; init; } = [];

    /// <summary>Addresses of nodes to begin with where there is no DNS at all (a node alone in local mode); at most 64.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>The grid's certificate authority, PEM. Nothing else is trusted for its hosts.</summary>
    public required string Ca { get; init; }

    /// <summary>Public half of the control key, SubjectPublicKeyInfo in base64.</summary>
    public required string ControlKey { get; init; }

    /// <summary>Where enrolments and sessions are served: https, under the same CA.</summary>
    public required Uri Master { get; init; }

    /// <summary>Address and port of the master, such as <c>192.0.2.1:12440</c>, where its name is in no DNS that everybody asks. Empty: the name is looked up.</summary>
    public string MasterAddress { get; init; } = "";

    /// <summary>
    /// Claims are sent at random within so many seconds of the reception, so that nobody can tell where somebody is from when they come (SECURITY §7).
    /// Default 900, 0 – 86 400; 0 among friends, where one claim is enough (k = 1). A client may take less time, not more.
    /// </summary>
    public int ClaimWithinSeconds { get; init; } = 900;

    /// <summary>The virtual worlds shared.</summary>
    public required IReadOnlyList<SharedGrid> Grids { get; init; }
}

/// <summary>The ranges stated on <see cref="GridFile"/>.</summary>
public sealed class GridFileValidator : AbstractValidator<GridFile>
{
    /// <summary>Builds the rules.</summary>
    public GridFileValidator()
    {
        RuleFor(g => g.Name).NotEmpty().MaximumLength(64);
        RuleFor(g => g.Host).NotEmpty().MaximumLength(253);
        RuleFor(g => g.Port).InclusiveBetween(1, 65535);
        RuleFor(g => g.NameServers).Must(n => n.Count <= 8).WithMessage("A grid has at most 8 name servers.");
        RuleFor(g => g.MasterAddress).Must(a => a is { Length: 0 } || (a is not null && System.Net.IPEndPoint.TryParse(a, out System.Net.IPEndPoint? at) && at.Port > 0)).WithMessage("MasterAddress is an address with a port, or empty.");
        RuleFor(g => g.Nodes).Must(n => n.Count <= 64).WithMessage("A grid file names at most 64 nodes.");
        RuleFor(g => g.Ca).Must(c => c is not null && c.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal)).WithMessage("Ca is a certificate in PEM.");
        RuleFor(g => g.ControlKey).NotEmpty();
        RuleFor(g => g.Master).Must(m => m is { IsAbsoluteUri: true, Scheme: "https" }).WithMessage("Master is an https URL.");
        RuleFor(g => g.ClaimWithinSeconds).InclusiveBetween(0, 86_400);
        RuleForEach(g => g.Grids).SetValidator(new SharedGridValidator());
    }
}
