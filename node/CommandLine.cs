using System.CommandLine;
using System.Net;
using GlobalCache.Node.Fleet;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;

namespace GlobalCache.Node;

/// <summary>The command line, read and judged: either options that can be started with, or every mistake at once, a line each.</summary>
/// <param name="Options">What to start with.</param>
/// <param name="Errors">Nothing is done when there is one.</param>
/// <param name="Errand">Help, version, or a command on the grid: to be invoked in place of serving.</param>
internal sealed record CommandLine(NodeOptions Options, IReadOnlyList<string> Errors, ParseResult? Errand)
{
    /// <summary>What its user data says, or what there is not in AWS.</summary>
    private static readonly string[] s_notInAws =
        ["--s3-bucket", "--s3-region", "--s3-endpoint", "--s3-no-checksums", "--share", "--name", "--host", "--address", "--lead", "--nodes", "--member", "--master", "--link", "--orphan-hours"];

    public static CommandLine Read(IReadOnlyList<string> args, TimeProvider time, ILogger log)
    {
        ParseResult? parsed = null;
        var defaults = new NodeOptions();
        var data = new Option<string>("--data") { Description = "Folder of the grid's keys, grid.json and store.", Recursive = true, DefaultValueFactory = _ => defaults.Data };
        var bucket = new Option<string?>("--s3-bucket") { Description = "Keep the store in this S3 bucket.", Recursive = true };
        var region = new Option<string>("--s3-region") { Description = "The bucket's region.", Recursive = true, DefaultValueFactory = _ => "us-east-1" };
        var endpoint = new Option<Uri?>("--s3-endpoint") { Description = "An S3 server other than AWS, such as Ceph or MinIO.", Recursive = true, CustomParser = OptionValues.Address };
        var noChecksums = new Option<bool>("--s3-no-checksums") { Description = "For servers that refuse AWS's upload checksums.", Recursive = true };
        var listen = new Option<IPEndPoint>("--listen") { Description = "Address and port for clients.", CustomParser = OptionValues.EndPoint, DefaultValueFactory = _ => defaults.Listen };
        var owners = new Option<IPEndPoint>("--private") { Description = "Address and port for /readyz, /status, /metrics.", CustomParser = OptionValues.EndPoint, DefaultValueFactory = _ => defaults.Private };
        var share = new Option<string[]>("--share")
        {
            Description = "A virtual world to share: its login host (agni for Second Life), then after = its asset servers' hosts, with commas. May be repeated.",
        };
        var name = new Option<string>("--name") { Description = "The grid's name for people.", DefaultValueFactory = _ => defaults.Name };
        var host = new Option<string?>("--host") { Description = "The DNS name all nodes share; for a new grid only." };
        var address = new Option<string[]>("--address") { Description = "Address clients begin with, when it is not that of --listen. May be repeated." };
        var lead = new Option<int>("--lead") { Description = "Independent people who must have received the same bytes.", DefaultValueFactory = _ => defaults.Vouching.Lead };
        var cache = new Option<long>("--cache-size") { Description = "Memory for assets, such as 2GB.", CustomParser = OptionValues.Size, DefaultValueFactory = _ => defaults.CacheBytes };
        var disk = new Option<string?>("--disk-cache") { Description = "Folder on this machine's disk for assets that memory does not hold; with --s3-bucket." };
        var diskSize = new Option<long>("--disk-cache-size") { Description = "What that folder may take.", CustomParser = OptionValues.Size, DefaultValueFactory = _ => defaults.DiskCacheBytes };
        var drain = new Option<int>("--drain") { Description = "Seconds to serve on when told to stop.", DefaultValueFactory = _ => (int)defaults.Drain.TotalSeconds };
        var nodes = new Option<int>("--nodes") { Description = "How many nodes share the quotas.", DefaultValueFactory = _ => 1 };
        var member = new Option<string?>("--member") { Description = "Be one of a master's fleet, under this name; --data is the folder with its node.keys and grid.json." };
        var master = new Option<IPEndPoint?>("--master") { Description = "The master's private address and port, with --member.", CustomParser = OptionValues.EndPoint };
        var link = new Option<long>("--link") { Description = "Bytes a second that the link to clients carries, such as 375MB, with --member.", CustomParser = OptionValues.Size, DefaultValueFactory = _ => 375_000_000 };
        var orphan = new Option<double>("--orphan-hours") { Description = "Stop when no master has answered for so long, with --member.", DefaultValueFactory = _ => 24 };
        var report = new Option<double>("--report-every") { Description = "Seconds between reports to the master, with --member.", DefaultValueFactory = _ => 2 };
        var aws = new Option<string?>("--aws") { Description = "Be one of a grid in AWS, as the instance's user data say, or FILE.", HelpName = "FILE", Arity = ArgumentArity.ZeroOrOne };
        var awsUrls = new Option<string[]>("--aws-url") { Description = "For tests: a service of AWS' on this machine, such as ssm=http://127.0.0.1:8080.", Hidden = true };
        var pidFile = new Option<string?>("--pid-file") { Description = "Write this process's number and start here, for whoever has to end it." };
        var verbose = new Option<bool>(ProgramLog.Verbose) { Description = "Log what goes well too." };
        var json = new Option<bool>(ProgramLog.Json) { Description = "Log an object a line, for programs." };
        var root = new RootCommand("GlobalCache's node: shares assets among the clients of a cache grid.")
        {
            data, listen, owners, share, name, host, address, lead, cache, disk, diskSize, drain, nodes, bucket, region, endpoint, noChecksums, member, master, link, orphan, report, aws, awsUrls, pidFile, verbose, json,
        };
        foreach (Command command in GridCommands.Of(data, folder => NodeApp.OpenStore(defaults with { Data = folder, S3 = Bucket() }, time), time, log)) root.Add(command);
        // With an action of its own it may stand without a command; it is never invoked.
        root.SetAction(_ => { });
        parsed = root.Parse(args);
        List<string> errors = [.. parsed.Errors.Select(e => e.Message + " See --help.").Distinct()];
        if (errors.Count > 0 || parsed.Action != root.Action) return new(defaults, errors, parsed);
        NodeOptions options = defaults with
        {
            Data = parsed.GetValue(data)!,
            S3 = Bucket(),
            Listen = parsed.GetValue(listen)!,
            Private = parsed.GetValue(owners)!,
            Name = parsed.GetValue(name)!,
            Host = parsed.GetValue(host),
            Addresses = parsed.GetValue(address) ?? [],
            Grids = [.. (parsed.GetValue(share) ?? []).Select(s => OptionValues.Grid(s, errors))],
            Vouching = defaults.Vouching with { Lead = parsed.GetValue(lead) },
            CacheBytes = parsed.GetValue(cache),
            DiskCache = parsed.GetValue(disk),
            DiskCacheBytes = parsed.GetValue(diskSize),
            Drain = TimeSpan.FromSeconds(parsed.GetValue(drain)),
            Nodes = parsed.GetValue(nodes),
            PidFile = parsed.GetValue(pidFile),
            Aws = parsed.GetResult(aws) is { Implicit: false } ? new AwsNode { SettingsFile = parsed.GetValue(aws), Access = CloudAccess.Read(parsed.GetValue(awsUrls) ?? [], errors), Listen = Given(listen), Private = Given(owners) } : null,
            Fleet = parsed.GetValue(member) is not { } id ? null : new FleetOptions
            {
                Id = id,
                Master = parsed.GetValue(master) ?? new IPEndPoint(IPAddress.None, 0),
                Keys = Path.Combine(parsed.GetValue(data)!, "node.keys"),
                Grid = GridFolder.GridJson(parsed.GetValue(data)!),
                LinkBytesPerSecond = parsed.GetValue(link),
                ReportEvery = TimeSpan.FromSeconds(parsed.GetValue(report)),
                Orphan = TimeSpan.FromHours(parsed.GetValue(orphan)),
            },
        };
        errors.AddRange(new NodeOptionsValidator().Validate(options).Errors.Select(e => e.ErrorMessage));
        if (options.Aws is not null)
            errors.AddRange(root.Options.Where(o => parsed.GetResult(o) is { Implicit: false } && s_notInAws.Contains(o.Name)).Select(o => $"{o.Name} is not for a node in AWS: its user data says it."));
        return new(options, errors, null);

        IPEndPoint? Given(Option<IPEndPoint> option) => parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option) : null;

        S3Options? Bucket() => parsed?.GetValue(bucket) is { } named ? new(named, parsed.GetValue(region)!, parsed.GetValue(endpoint), !parsed.GetValue(noChecksums)) : null;
    }
}
