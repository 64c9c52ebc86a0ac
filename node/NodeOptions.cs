using System.Net;
using FluentValidation;
using GlobalCache.Node.Fleet;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Node;

/// <summary>What the operator decides, read once at the start.</summary>
internal sealed record NodeOptions
{
    /// <summary>Where the grid's keys, <c>grid.json</c> and, without <see cref="S3"/>, its store lie.</summary>
    public string Data { get; init; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "globalcache-node");

    /// <summary>The grid's name for people.</summary>
    public string Name { get; init; } = "GlobalCache";

    /// <summary>The DNS name all nodes share, chosen once; null: the folder's, or a new one of its own.</summary>
    public string? Host { get; init; }

    /// <summary>Addresses of nodes for <c>grid.json</c>; none: that of <see cref="Listen"/>.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Where clients connect to. Port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 12443);

    /// <summary>Where the operator's own tools connect to, in clear: loopback, or an address of a private network.</summary>
    public IPEndPoint Private { get; init; } = new(IPAddress.Loopback, 12444);

    /// <summary>Where benchmarks connect to without TLS; no option of the command line sets it.</summary>
    public IPEndPoint? Clear { get; init; }

    /// <summary>Bytes of sealed assets held in memory.</summary>
    public long CacheBytes { get; init; } = 512_000_000;

    /// <summary>Folder on the node's own disk that holds what memory does not; null: none.</summary>
    public string? DiskCache { get; init; }

    /// <summary>Bytes it may take.</summary>
    public long DiskCacheBytes { get; init; } = 20_000_000_000;

    /// <summary>How long the node serves on after it was told to stop, so that clients find another.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The bucket the store lies in; null: a folder below <see cref="Data"/>.</summary>
    public S3Options? S3 { get; init; }

    /// <summary>The virtual worlds shared. Without any the node serves nothing.</summary>
    public IReadOnlyList<SharedGrid> Grids { get; init; } = [];

    /// <summary>When bytes are believed. A grid of one's own is one of friends: one claim is enough.</summary>
    public VouchingPolicy Vouching { get; init; } = new() { Lead = 1 };

    /// <summary>How much a branch may take.</summary>
    public QuotaPolicy Quotas { get; init; } = new();

    /// <summary>How many nodes share the quotas.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>The node is one of a grid in AWS: <see cref="Fleet"/>, its addresses and its store come from there; null: it is not.</summary>
    public AwsNode? Aws { get; init; }

    /// <summary>The fleet it is one of; null: it is alone, and its own master.</summary>
    public FleetOptions? Fleet { get; init; }

    /// <summary>Where this process says who it is (<see cref="Office.Serving.ProcessMark"/>); null: nowhere.</summary>
    public string? PidFile { get; init; }

    /// <summary>What of this holds for the whole grid: declared at the start, and published when it is not what was declared before.</summary>
    public GridPolicy Policy => new() { Vouching = Vouching, Quotas = Quotas, Grids = Grids, Nodes = Nodes };
}

/// <summary>What does not go together, each said in one line with the way to mend it.</summary>
internal sealed class NodeOptionsValidator : AbstractValidator<NodeOptions>
{
    public NodeOptionsValidator()
    {
        RuleFor(o => o.Data).NotEmpty().WithMessage("--data names no folder.");
        RuleFor(o => o.Private).Must(p => PrivateNetwork.Contains(p.Address))
            .WithMessage(o => $"--private {o.Private} would show the node's state to everybody: give an address of this machine or of a private network.");
        RuleFor(o => o.Private).Must((o, p) => p.Port == 0 || p.Port != o.Listen.Port).WithMessage("--private and --listen need different ports.");
        RuleFor(o => o.CacheBytes).InclusiveBetween(1_000_000, 1_000_000_000_000).WithMessage("--cache-size must be 1MB to 1TB.");
        RuleFor(o => o.DiskCache).Must((o, folder) => folder is null || o.S3 is not null || o.Aws is not null)
            .WithMessage("--disk-cache is for a store elsewhere (--s3-bucket): this one's lies in a folder already.");
        RuleFor(o => o.DiskCacheBytes).InclusiveBetween(100_000_000, 100_000_000_000_000).WithMessage("--disk-cache-size must be 100MB to 100TB.");
        RuleFor(o => o.Drain).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromHours(1)).WithMessage("--drain must be 0 to 3600 seconds.");
        RuleFor(o => o.Nodes).InclusiveBetween(1, 1000).WithMessage("--nodes must be 1 to 1000.");
        RuleFor(o => o.Fleet!.Id).Length(1, 64).Matches("^[A-Za-z0-9-]+$").When(o => o.Fleet is not null).WithMessage("--member is a name of 1 to 64 letters, digits and hyphens.");
        RuleFor(o => o.Fleet!.Master).Must(m => m.Port > 0 && PrivateNetwork.Contains(m.Address)).When(o => o.Fleet is not null)
            .WithMessage("--member needs the master's private address: give --master, such as 127.0.0.1:12441.");
        RuleFor(o => o.Fleet!.LinkBytesPerSecond).InclusiveBetween(1000, 1_000_000_000_000).When(o => o.Fleet is not null).WithMessage("--link must be 1KB to 1TB a second.");
        RuleFor(o => o.Fleet!.ReportEvery).InclusiveBetween(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(10)).When(o => o.Fleet is not null).WithMessage("--report-every must be 0.1 to 10 seconds.");
        RuleFor(o => o.Fleet!.Orphan).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromDays(30)).When(o => o.Fleet is not null).WithMessage("--orphan-hours must be a second to thirty days.");
        RuleForEach(o => o.Grids).SetValidator(new SharedGridValidator());
        RuleFor(o => o.Vouching).SetValidator(new VouchingPolicyValidator());
        RuleFor(o => o.Quotas).SetValidator(new QuotaPolicyValidator());
    }
}
