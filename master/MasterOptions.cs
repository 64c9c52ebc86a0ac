using System.Net;
using FluentValidation;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Grids;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Master;

/// <summary>What the operator decides, read once at the start. Thresholds are in <see cref="Policy"/>, and change while it runs.</summary>
internal sealed record MasterOptions
{
    /// <summary>The grid is one in AWS, and most of what follows comes from its stack; null: it is a folder's.</summary>
    public AwsStart? Aws { get; init; }

    /// <summary>Where the grid's keys, <c>grid.json</c>, the fleet's slots and, without <see cref="S3"/>, its store lie.</summary>
    public string Data { get; init; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "globalcache-master");

    /// <summary>The grid's name for people.</summary>
    public string Name { get; init; } = "GlobalCache";

    /// <summary>The DNS name all nodes share, chosen once; null: the folder's, or a new one of its own.</summary>
    public string? Host { get; init; }

    /// <summary>Where clients enrol and get their sessions.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 12440);

    /// <summary>Where nodes report, and the operator looks: loopback, or an address of a private network.</summary>
    public IPEndPoint Private { get; init; } = new(IPAddress.Loopback, 12441);

    /// <summary>Where the embedded name server answers, by UDP and TCP.</summary>
    public IPEndPoint Dns { get; init; } = new(IPAddress.Loopback, 12453);

    /// <summary>Port of all nodes for clients.</summary>
    public int NodePort { get; init; } = 12443;

    /// <summary>Port of all nodes for the master.</summary>
    public int NodePrivatePort { get; init; } = 12444;

    /// <summary>The address of the first node on this machine; the others follow it.</summary>
    public IPAddress FirstNode { get; init; } = new([127, 0, 0, 2]);

    /// <summary>Machines of one's own on which nodes run; none: nodes are processes of this machine, opened and closed with demand.</summary>
    public IReadOnlyList<GivenMachine> Nodes { get; init; } = [];

    /// <summary>Bytes a second that a node's link to clients carries.</summary>
    public long LinkBytesPerSecond { get; init; } = 375_000_000;

    /// <summary>Memory for assets of each node that is started here.</summary>
    public long CacheBytes { get; init; } = 256_000_000;

    /// <summary>How often nodes that are started here report.</summary>
    public TimeSpan ReportEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The bucket the store lies in; null: a folder below <see cref="Data"/>.</summary>
    public S3Options? S3 { get; init; }

    /// <summary>The policy document as a file: read at the start and whenever it changes; null: the command line's word.</summary>
    public string? PolicyFile { get; init; }

    /// <summary>SHA-256 of the admin code, hex; null: the data folder's, made and shown at the first start.</summary>
    public string? AdminCodeHash { get; init; }

    /// <summary>What holds for the whole grid, as declared.</summary>
    public GridPolicy Policy { get; init; } = new() { Vouching = new VouchingPolicy { Lead = 1 } };

    /// <summary>The node's program, and what comes before its options; none: it is looked for beside this one.</summary>
    public IReadOnlyList<string> NodeProgram { get; init; } = [];

    /// <summary>Whether nodes of this machine run on when the master is told to stop.</summary>
    public bool LeaveNodes { get; init; }

    /// <summary>What every node of this machine is started with beside its own name and address.</summary>
    public IReadOnlyList<string> NodeArguments()
    {
        string[] shared = ["--data", Data, "--master", Private.ToString(), "--link", Number(LinkBytesPerSecond), "--cache-size", Number(CacheBytes), "--drain", "2", "--report-every", ReportEvery.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)];
        return S3 is null ? shared :
        [
            .. shared, "--s3-bucket", S3.Bucket, "--s3-region", S3.Region, .. S3.Endpoint is { } at ? new[] { "--s3-endpoint", at.ToString() } : [],
            .. S3.ChecksumsWhenSupported ? Array.Empty<string>() : ["--s3-no-checksums"],
        ];

        static string Number(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>What does not go together, each said in one line with the way to mend it.</summary>
internal sealed class MasterOptionsValidator : AbstractValidator<MasterOptions>
{
    public MasterOptionsValidator()
    {
        RuleFor(o => o.Data).NotEmpty().WithMessage("--data names no folder.");
        RuleFor(o => o.Private).Must(p => PrivateNetwork.Contains(p.Address))
            .WithMessage(o => $"--private {o.Private} would show the grid's state to everybody: give an address of this machine or of a private network.");
        RuleFor(o => o).Must(o => o.Private.Port == 0 || o.Private.Port != o.Listen.Port).WithName("Ports").WithMessage("--private and --listen need different ports.");
        RuleFor(o => o.NodePort).InclusiveBetween(1, 65535).WithMessage("--node-port must be 1 to 65535.");
        RuleFor(o => o.NodePrivatePort).InclusiveBetween(1, 65535).Must((o, p) => p != o.NodePort).WithMessage("--node-private-port must be 1 to 65535 and another than --node-port.");
        RuleFor(o => o.Nodes).Must(n => n.Count <= 1000).WithMessage("--nodes takes at most 1000 machines.").Must(n => n.DistinctBy(m => m.Address).Count() == n.Count).WithMessage("--nodes names a machine twice.");
        RuleForEach(o => o.Nodes).Must(m => PrivateNetwork.Contains(m.Inside ?? m.Address))
            .WithMessage((_, m) => $"--nodes {m.Address}: a node tells its state to private addresses alone: say behind it where the master reaches it, such as {m.Address}=10.0.0.6.");
        RuleFor(o => o.LinkBytesPerSecond).InclusiveBetween(1000, 1_000_000_000_000).WithMessage("--link must be 1KB to 1TB a second.");
        RuleFor(o => o.ReportEvery).InclusiveBetween(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(10)).WithMessage("--report-every must be 0.1 to 10 seconds.");
        RuleFor(o => o.CacheBytes).InclusiveBetween(1_000_000, 1_000_000_000_000).WithMessage("--cache-size must be 1MB to 1TB.");
        RuleFor(o => o.AdminCodeHash).Must(h => h is null || (h.Length == 64 && h.All(char.IsAsciiHexDigit))).WithMessage("--admin-code-hash is a SHA-256 in 64 hex digits.");
        RuleFor(o => o.Policy).SetValidator(new GridPolicyValidator());
    }
}
