using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using System.Text.Json;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Grids;
using GlobalCache.Master.Operator;
using GlobalCache.Master.Reconcile;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Master;

/// <summary>The command line, read and judged: either options that can be started with, or every mistake at once, a line each.</summary>
/// <param name="Options">What to start with.</param>
/// <param name="Errors">Nothing is done when there is one.</param>
/// <param name="Errand">Help, version, or a command on the grid: to be invoked in place of running.</param>
internal sealed record CommandLine(MasterOptions Options, IReadOnlyList<string> Errors, ParseResult? Errand)
{
    /// <summary>What a stack says itself, or what there is not in AWS.</summary>
    private static readonly string[] s_foldersOnly =
        ["--s3-bucket", "--s3-region", "--s3-endpoint", "--s3-no-checksums", "--dns", "--name", "--host", "--policy", "--share", "--lead", "--max", "--nodes", "--first-node", "--link", "--cache-size", "--report-every", "--admin-code-hash", "--leave-nodes"];

    public static CommandLine Read(IReadOnlyList<string> args, TimeProvider time, ILogger log, Func<CancellationToken, Task<string>>? adminCode = null)
    {
        ParseResult? parsed = null;
        var defaults = new MasterOptions();
        var data = new Option<string>("--data") { Description = "Folder of the grid's keys, grid.json, store and nodes.", Recursive = true, DefaultValueFactory = _ => defaults.Data };
        var bucket = new Option<string?>("--s3-bucket") { Description = "Keep the store in this S3 bucket.", Recursive = true };
        var region = new Option<string>("--s3-region") { Description = "The bucket's region.", Recursive = true, DefaultValueFactory = _ => "us-east-1" };
        var endpoint = new Option<Uri?>("--s3-endpoint") { Description = "An S3 server other than AWS, such as Ceph or MinIO.", Recursive = true, CustomParser = OptionValues.Address };
        var noChecksums = new Option<bool>("--s3-no-checksums") { Description = "For servers that refuse AWS's upload checksums.", Recursive = true };
        var listen = new Option<IPEndPoint>("--listen") { Description = "Address and port where clients enrol.", CustomParser = OptionValues.EndPoint, DefaultValueFactory = _ => defaults.Listen };
        var owners = new Option<IPEndPoint>("--private") { Description = "Address and port of the dashboard, and for the nodes' reports.", CustomParser = OptionValues.EndPoint, DefaultValueFactory = _ => defaults.Private };
        var dns = new Option<IPEndPoint>("--dns") { Description = "Address and port of the embedded name server.", CustomParser = OptionValues.EndPoint, DefaultValueFactory = _ => defaults.Dns };
        var name = new Option<string>("--name") { Description = "The grid's name for people.", DefaultValueFactory = _ => defaults.Name };
        var host = new Option<string?>("--host") { Description = "The DNS name all nodes share; for a new grid only." };
        var policy = new Option<string?>("--policy") { Description = "The policy as a JSON file; what changes in it takes effect without a restart." };
        var share = new Option<string[]>("--share") { Description = "A virtual world to share: its login host (agni for Second Life), then after = its asset servers' hosts, with commas. May be repeated." };
        var lead = new Option<int>("--lead") { Description = "Independent people who must have received the same bytes.", DefaultValueFactory = _ => defaults.Policy.Vouching.Lead };
        var most = new Option<int>("--max") { Description = "Most nodes at once.", DefaultValueFactory = _ => defaults.Policy.Scaling.Max };
        var nodes = new Option<GivenMachine[]>("--nodes") { Description = "Machines of your own on which nodes run already: none is opened or closed. An address for clients, then after = the one for the master where that is another.", CustomParser = Machines, AllowMultipleArgumentsPerToken = true };
        var first = new Option<IPAddress>("--first-node") { Description = "Address of the first node on this machine; the others follow it.", CustomParser = One, DefaultValueFactory = _ => defaults.FirstNode };
        var port = new Option<int>("--node-port") { Description = "Port of all nodes for clients.", DefaultValueFactory = _ => defaults.NodePort };
        var privatePort = new Option<int>("--node-private-port") { Description = "Port of all nodes for the master.", DefaultValueFactory = _ => defaults.NodePrivatePort };
        var link = new Option<long>("--link") { Description = "Bytes a second that a node's link to clients carries, such as 375MB.", CustomParser = OptionValues.Size, DefaultValueFactory = _ => defaults.LinkBytesPerSecond };
        var cache = new Option<long>("--cache-size") { Description = "Memory for assets of each node started here, such as 2GB.", CustomParser = OptionValues.Size, DefaultValueFactory = _ => defaults.CacheBytes };
        var report = new Option<double>("--report-every") { Description = "Seconds between the reports of nodes started here.", DefaultValueFactory = _ => defaults.ReportEvery.TotalSeconds };
        var admin = new Option<string?>("--admin-code-hash") { Description = "SHA-256 of the admin code, hex; without it one is made at the first start and shown once." };
        var leave = new Option<bool>("--leave-nodes") { Description = "Nodes started here run on when the master is told to stop." };
        var aws = new Option<string?>("--aws") { Description = "Run the grid of this machine's stack in AWS, whose settings are the instance's user data, or in FILE.", HelpName = "FILE", Arity = ArgumentArity.ZeroOrOne };
        var awsUrls = new Option<string[]>("--aws-url") { Description = "For tests: a service of AWS' on this machine, such as ec2=http://127.0.0.1:8080.", Hidden = true };
        var verbose = new Option<bool>(ProgramLog.Verbose) { Description = "Log what goes well too." };
        var json = new Option<bool>(ProgramLog.Json) { Description = "Log an object a line, for programs." };
        var root = new RootCommand("GlobalCache's master: opens and closes the nodes of a cache grid with its demand.")
        {
            data, listen, owners, dns, name, host, policy, share, lead, most, nodes, first, port, privatePort, link, cache, report, admin, leave, bucket, region, endpoint, noChecksums, aws, awsUrls, verbose, json,
        };
        foreach (Command command in GridCommands.Of(data, folder => FolderGrid.OpenStore(defaults with { Data = folder, S3 = Bucket() }, time), time, log)) root.Add(command);
        foreach (Command command in OrderCommands.Of(data, folder => FolderGrid.OpenStore(defaults with { Data = folder, S3 = Bucket() }, time), time)) root.Add(command);
        root.Add(new AtCommand(adminCode ?? (_ => Task.FromResult(AdminCodeEntry.Told()))).Build());
        // With an action of its own it may stand without a command; it is never invoked.
        root.SetAction(_ => { });
        parsed = root.Parse(args);
        List<string> errors = [.. parsed.Errors.Select(e => e.Message + " See --help.").Distinct()];
        if (errors.Count > 0 || parsed.Action != root.Action) return new(defaults, errors, parsed);
        MasterOptions options = defaults with
        {
            Data = parsed.GetValue(data)!,
            S3 = Bucket(),
            Listen = parsed.GetValue(listen)!,
            Private = parsed.GetValue(owners)!,
            Dns = parsed.GetValue(dns)!,
            Name = parsed.GetValue(name)!,
            Host = parsed.GetValue(host),
            Nodes = parsed.GetValue(nodes) ?? [],
            FirstNode = parsed.GetValue(first)!,
            NodePort = parsed.GetValue(port),
            NodePrivatePort = parsed.GetValue(privatePort),
            LinkBytesPerSecond = parsed.GetValue(link),
            CacheBytes = parsed.GetValue(cache),
            ReportEvery = TimeSpan.FromSeconds(parsed.GetValue(report)),
            AdminCodeHash = parsed.GetValue(admin),
            LeaveNodes = parsed.GetValue(leave),
            PolicyFile = parsed.GetValue(policy),
            Policy = PolicyOf(),
            Aws = parsed.GetResult(aws) is { Implicit: false } ? new AwsStart
            {
                SettingsFile = parsed.GetValue(aws),
                Access = CloudAccess.Read(parsed.GetValue(awsUrls) ?? [], errors),
                Listen = Given(listen),
                Private = Given(owners),
            } : null,
        };
        if (options.Aws is not null)
        {
            options = options with { NodePort = GivenPort(port) ?? CloudPorts.Public, NodePrivatePort = GivenPort(privatePort) ?? CloudPorts.NodePrivate };
            errors.AddRange(root.Options.Where(o => parsed.GetResult(o) is { Implicit: false } && s_foldersOnly.Contains(o.Name)).Select(o => $"{o.Name} is not for a grid in AWS: its stack says it."));
        }

        errors.AddRange(new MasterOptionsValidator().Validate(options).Errors.Select(e => e.ErrorMessage));
        return new(options, errors, null);

        IPEndPoint? Given(Option<IPEndPoint> option) => parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option) : null;

        int? GivenPort(Option<int> option) => parsed.GetResult(option) is { Implicit: false } ? parsed.GetValue(option) : null;

        S3Options? Bucket() => parsed?.GetValue(bucket) is { } named ? new(named, parsed.GetValue(region)!, parsed.GetValue(endpoint), !parsed.GetValue(noChecksums)) : null;

        // What the file says counts before the command line's words.
        GridPolicy PolicyOf()
        {
            int count = (parsed.GetValue(nodes) ?? []).Length;
            GridPolicy said = defaults.Policy with
            {
                Vouching = defaults.Policy.Vouching with { Lead = parsed.GetValue(lead) },
                Grids = [.. (parsed.GetValue(share) ?? []).Select(s => OptionValues.Grid(s, errors))],
                Scaling = defaults.Policy.Scaling with { Max = count > 0 ? Math.Max(count, defaults.Policy.Scaling.Min) : parsed.GetValue(most) },
            };
            if (parsed.GetValue(policy) is not { } file) return said;
            try
            {
                return GridPolicy.Parse(File.ReadAllBytes(file));
            }
            catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
            {
                errors.Add($"--policy {file} cannot be read: {e.Message}");
                return said;
            }
        }
    }

    private static GivenMachine[] Machines(ArgumentResult result) => [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(t => t.Split('=', 2))
        .Select(halves => new GivenMachine(One(result, halves[0]), halves.Length > 1 ? One(result, halves[1]) : null))];

    private static IPAddress One(ArgumentResult result) => One(result, result.Tokens[^1].Value);

    private static IPAddress One(ArgumentResult result, string text)
    {
        if (IPAddress.TryParse(text, out IPAddress? read)) return read;
        result.AddError($"{text} is no address, such as 127.0.0.2.");
        return IPAddress.None;
    }
}
