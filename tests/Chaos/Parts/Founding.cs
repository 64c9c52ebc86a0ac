using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using GlobalCache.Chaos.World;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Chaos.Parts;

/// <summary>The cache grid before its first day: keys, policy, and who belongs to it. The keys that decide anything follow from the seed.</summary>
internal sealed class Founding
{
    public const int NodePort = 12443, MasterPort = 12440;
    public const string Host = "nodes.chaos.internal", MasterAddress = "10.250.0.1", MasterPrivate = "10.250.1.1";

    private readonly Dictionary<string, Member> _members = [];
    private readonly Dictionary<string, Branch> _branches = [];
    private readonly OfficeSecrets _secrets;

    public Founding(Simulation world, GridPolicy policy)
    {
        Policy = policy;
        DateTimeOffset now = Simulation.Begin;
        byte[] Key(string use) => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{world.Seed}/{use}"));
        Keys = new GridKeys(new Dictionary<uint, byte[]> { [1] = Key("seal") }, Key("name"), Key("claim"), Key("challenge"));
        _secrets = OfficeSecrets.Create(Host, Host, now) with { Office = new OfficeKey(Key("office")) };
        Report = Key("report");
        GridFile file = KeptGrid.Describe(_secrets, new GridFacts { Port = NodePort, Grids = policy.Grids, ClaimWithinSeconds = 900 });
        File = file with { Master = new Uri($"https://master.{Host}:{MasterPort}/"), MasterAddress = $"{MasterAddress}:{MasterPort}", Nodes = [], NameServers = [] };
        Belief = new Belief(File);
    }

    public GridPolicy Policy { get; }

    public GridKeys Keys { get; }

    public GridFile File { get; }

    public byte[] Report { get; }

    /// <summary>How clients look at nodes' certificates.</summary>
    public Belief Belief { get; }

    /// <summary>Where requests go that are made to a node.</summary>
    public static string AddressOf(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint at => at.Address.ToString(),
        DnsEndPoint named => named.Host,
        _ => throw new ArgumentOutOfRangeException(nameof(endpoint)),
    };

    /// <summary>A master's own copy of the grid.</summary>
    public KeptGrid Grid() => new(_secrets, File, Report);

    /// <summary>Somebody has been let in long ago.</summary>
    public void Enrol(string client, string branch, string publicKey, TimeSpan ago)
    {
        DateTimeOffset since = Simulation.Begin - ago;
        _members[client] = new Member(branch, publicKey, since, Revoked: null);
        _branches[branch] = new Branch(since, Revoked: null);
    }

    /// <summary>The roll as it lies in the store.</summary>
    public byte[] SealRoll() => new RollSeal(_secrets.Office).Seal(new Roll { Sequence = 1, Clients = _members.ToImmutableDictionary(), Branches = _branches.ToImmutableDictionary() });
}
