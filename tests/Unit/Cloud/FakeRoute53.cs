using System.Globalization;
using System.Net;
using System.Text;
using System.Xml.Linq;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Tests.Cloud;

/// <summary>
/// Route 53 as far as one name needs it, in its own protocol (2013-04-01): batches that are taken whole or not at all, changes that are in force after a while and one after another,
/// lists in pages, and two name servers, which answer as of the last change in force.
/// </summary>
internal sealed class FakeRoute53(TimeProvider time, CloudNames names, IReadOnlyList<IamDocument> permissions) : FakeAws("route53", "us-east-1", time, permissions)
{
    private static readonly XNamespace s_ns = "https://route53.amazonaws.com/doc/2013-04-01/";

    private readonly List<(string Id, DateTimeOffset At, Dictionary<(string Name, string Type, string Id), Set> Before)> _changes = [];
    private readonly List<DnsServer> _servers = [];

    public sealed record Set(long Ttl, IReadOnlyList<string> Values, bool IsAlias = false);

    /// <summary>What is written; what the servers say lags behind.</summary>
    public Dictionary<(string Name, string Type, string Id), Set> Records { get; private set; } = [];

    public TimeSpan SyncsIn { get; set; } = TimeSpan.FromSeconds(30);

    public int PageSize { get; set; } = 100;

    /// <summary>Each page is said to be followed by itself.</summary>
    public bool NeverEnds { get; set; }

    /// <summary>A refused batch is told in the form that has no code.</summary>
    public bool HidesCodes { get; set; }

    /// <summary>The servers answer as a resolver would, without authority.</summary>
    public bool IsLame { get; set; }

    public IReadOnlyList<IPEndPoint> NameServers { get; private set; } = [];

    /// <summary>Two name servers on loopback.</summary>
    public void ServeNames()
    {
        NameServers = [.. Enumerable.Range(0, 2).Select(_ =>
        {
            // A port that is free for UDP is free for TCP too, nearly always; another is tried else.
            for (int i = 0; ; i++)
            {
                var probe = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
                var at = (IPEndPoint)probe.Client.LocalEndPoint!;
                probe.Dispose();
                var server = new DnsServer(new UdpServerTransport(at, 5000), new TcpServerTransport(at, 5000, 5000));
                server.QueryReceived += AnswerAsync;
                try
                {
                    server.Start();
                    _servers.Add(server);
                    return at;
                }
                catch (System.Net.Sockets.SocketException) when (i < 10)
                {
                    server.Stop();
                }
            }
        })];
    }

    public void StopNames(int server)
    {
        try
        {
            _servers[server].Stop();
        }
        catch (AggregateException e) when (e.InnerExceptions.All(i => i is TaskCanceledException))
        {
            // One that was stopped before it had begun.
        }
    }

    protected override XDocument Error(AwsRefusal refusal) => refusal.Code == "InvalidChangeBatch" && HidesCodes
        ? new(new XElement(s_ns + "InvalidChangeBatch", new XElement(s_ns + "Messages", new XElement(s_ns + "Message", refusal.Message))))
        : new(new XElement(s_ns + "ErrorResponse", new XElement(s_ns + "Error", new XElement(s_ns + "Type", "Sender"), new XElement(s_ns + "Code", refusal.Code), new XElement(s_ns + "Message", refusal.Message))));

    protected override XDocument Answer(string method, string path, IReadOnlyDictionary<string, string> query, byte[] body)
    {
        string[] parts = path.Trim('/').Split('/');
        if (parts.Length < 3 || parts[0] != "2013-04-01") throw new AwsRefusal(404, "NoSuchOperation");
        Calls.Enqueue($"{method} {parts[1]}/{parts.ElementAtOrDefault(3)}");
        string zone = $"arn:{names.Partition}:route53:::hostedzone/{parts[2]}";
        return (method, parts[1], parts.ElementAtOrDefault(3)) switch
        {
            ("POST", "hostedzone", "rrset") => Change(zone, XDocument.Parse(Encoding.UTF8.GetString(body)).Root!),
            ("GET", "hostedzone", "rrset") => List(zone, query),
            ("GET", "hostedzone", null) => Zone(zone),
            ("GET", "change", null) => Follow(parts[2]),
            _ => throw new AwsRefusal(404, "NoSuchOperation"),
        };
    }

    private XDocument Change(string zone, XElement request)
    {
        XElement[] changes = [.. request.Descendants(s_ns + "Change")];
        string Name(XElement change) => change.Descendants(s_ns + "Name").First().Value.TrimEnd('.').ToLowerInvariant();
        Demand("AccessDenied", "route53:ChangeResourceRecordSets", zone, [.. changes.SelectMany(c => new (string, string?)[]
        {
            ("route53:ChangeResourceRecordSetsNormalizedRecordNames", Name(c)), ("route53:ChangeResourceRecordSetsRecordTypes", c.Descendants(s_ns + "Type").First().Value),
            ("route53:ChangeResourceRecordSetsActions", c.Element(s_ns + "Action")!.Value),
        })]);
        MaybeRefuse();
        var next = new Dictionary<(string, string, string), Set>(Records);
        foreach (XElement change in changes)
        {
            XElement set = change.Element(s_ns + "ResourceRecordSet")!;
            string[] order = [.. set.Elements().Select(e => e.Name.LocalName)];
            if (!order.SequenceEqual(["Name", "Type", "TTL", "ResourceRecords"])) throw new AwsRefusal(400, "MalformedXML");
            (string, string, string) key = (Name(change), set.Element(s_ns + "Type")!.Value, "");
            var value = new Set(long.Parse(set.Element(s_ns + "TTL")!.Value, CultureInfo.InvariantCulture), [.. set.Descendants(s_ns + "Value").Select(v => v.Value)]);
            bool isThere = next.TryGetValue(key, out Set? there);
            switch (change.Element(s_ns + "Action")!.Value)
            {
                case "UPSERT":
                    next[key] = value;
                    break;
                case "CREATE" when !isThere:
                    next[key] = value;
                    break;
                case "DELETE" when isThere && there!.Ttl == value.Ttl && there.Values.Order().SequenceEqual(value.Values.Order()):
                    next.Remove(key);
                    break;
                default:
                    throw new AwsRefusal(400, "InvalidChangeBatch", "It was not found, or exists, or does not match.");
            }
        }

        _changes.Add(($"C{_changes.Count + 1}", Time.GetUtcNow(), Records));
        Records = next;
        return new(new XElement(s_ns + "ChangeResourceRecordSetsResponse", Info(_changes[^1].Id)));
    }

    private XDocument List(string zone, IReadOnlyDictionary<string, string> query)
    {
        Demand("AccessDenied", "route53:ListResourceRecordSets", zone);
        MaybeRefuse();
        (string, string, string) from = (query.GetValueOrDefault("name", "").TrimEnd('.'), query.GetValueOrDefault("type", ""), query.GetValueOrDefault("identifier", ""));
        var all = Records.OrderBy(r => Backwards(r.Key.Name), StringComparer.Ordinal).ThenBy(r => r.Key.Type, StringComparer.Ordinal).ThenBy(r => r.Key.Id, StringComparer.Ordinal)
            .SkipWhile(r => (Backwards(r.Key.Name), r.Key.Type, r.Key.Id).CompareTo((Backwards(from.Item1), from.Item2, from.Item3)) < 0).ToList();
        int size = Math.Min(PageSize, int.Parse(query.GetValueOrDefault("maxitems", "100"), CultureInfo.InvariantCulture));
        (string Name, string Type, string Id) next = NeverEnds ? from : all.Count > size ? all[size].Key : default;
        return new(new XElement(s_ns + "ListResourceRecordSetsResponse",
            new XElement(s_ns + "ResourceRecordSets", all.Take(size).Select(r => new XElement(s_ns + "ResourceRecordSet",
                new XElement(s_ns + "Name", r.Key.Name.Replace("*", "\\052", StringComparison.Ordinal) + "."), new XElement(s_ns + "Type", r.Key.Type), r.Key.Id.Length > 0 ? new XElement(s_ns + "SetIdentifier", r.Key.Id) : null,
                r.Value.IsAlias ? new XElement(s_ns + "AliasTarget", new XElement(s_ns + "DNSName", "elsewhere.example.")) : new XElement(s_ns + "TTL", r.Value.Ttl),
                r.Value.IsAlias ? null : new XElement(s_ns + "ResourceRecords", r.Value.Values.Select(v => new XElement(s_ns + "ResourceRecord", new XElement(s_ns + "Value", v))))))),
            new XElement(s_ns + "IsTruncated", next.Name is not null ? "true" : "false"),
            next.Name is null ? null : new[] { new XElement(s_ns + "NextRecordName", next.Name + "."), new XElement(s_ns + "NextRecordType", next.Type), next.Id.Length > 0 ? new XElement(s_ns + "NextRecordIdentifier", next.Id) : null },
            new XElement(s_ns + "MaxItems", size)));
    }

    private XDocument Zone(string zone)
    {
        Demand("AccessDenied", "route53:GetHostedZone", zone);
        MaybeRefuse();
        return new(new XElement(s_ns + "GetHostedZoneResponse", new XElement(s_ns + "HostedZone", new XElement(s_ns + "Id", "/hostedzone/" + names.HostedZone)),
            new XElement(s_ns + "DelegationSet", new XElement(s_ns + "NameServers", new XElement(s_ns + "NameServer", "ns-1.example.net."), new XElement(s_ns + "NameServer", "ns-2.example.org")))));
    }

    private XDocument Follow(string id)
    {
        Demand("AccessDenied", "route53:GetChange", $"arn:{names.Partition}:route53:::change/{id}");
        MaybeRefuse();
        return _changes.Any(c => c.Id == id) ? new(new XElement(s_ns + "GetChangeResponse", Info(id))) : throw new AwsRefusal(404, "NoSuchChange");
    }

    private XElement Info(string id) => new(s_ns + "ChangeInfo", new XElement(s_ns + "Id", "/change/" + id), new XElement(s_ns + "Status", IsIn(_changes.First(c => c.Id == id).At) ? "INSYNC" : "PENDING"));

    private bool IsIn(DateTimeOffset at) => Time.GetUtcNow() - at >= SyncsIn;

    private Task AnswerAsync(object sender, QueryReceivedEventArgs e)
    {
        if (e.Query is not DnsMessage query || query.Questions.Count != 1) return Task.CompletedTask;
        DnsMessage answer = query.CreateResponseInstance();
        lock (Gate)
        {
            // Until a change is in force the servers say what was there before it.
            Dictionary<(string Name, string Type, string Id), Set> said = _changes.Where(c => !IsIn(c.At)).Select(c => c.Before).FirstOrDefault() ?? Records;
            string name = query.Questions[0].Name.ToString().TrimEnd('.');
            answer.ReturnCode = ReturnCode.NoError;
            answer.IsAuthoritiveAnswer = !IsLame;
            string type = query.Questions[0].RecordType == RecordType.Aaaa ? "AAAA" : "A";
            if (said.TryGetValue((name, type, ""), out Set? set))
            {
                foreach (string value in set.Values)
                    answer.AnswerRecords.Add(type == "A" ? new ARecord(DomainName.Parse(name), (int)set.Ttl, IPAddress.Parse(value)) : new AaaaRecord(DomainName.Parse(name), (int)set.Ttl, IPAddress.Parse(value)));
            }
        }

        e.Response = answer;
        return Task.CompletedTask;
    }

    // Route 53's order: labels from the last to the first.
    private static string Backwards(string name) => string.Join('.', name.Split('.').Reverse()) + ".";
}
