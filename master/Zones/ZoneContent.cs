using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;

namespace GlobalCache.Master.Zones;

/// <summary>
/// What the zone of a grid says: the nodes' addresses under the grid's name, the master's below it, and nothing else. Authoritative, never recursive, never
/// transferred. Immutable and pure but for the order of the addresses, which is another in every answer.
/// </summary>
internal sealed record ZoneContent
{
    private const int Refresh = 60, Retry = 60, Expire = 86_400;

    // “Nothing here” is no longer true a moment after a first start: nobody is to remember it (RFC 2308 §5).
    private const int Nothing = 2;

    /// <summary>The name all nodes share; the zone's apex.</summary>
    public required DomainName Host { get; init; }

    /// <summary>Rises with every change.</summary>
    public required uint Serial { get; init; }

    /// <summary>All that is published for the apex, IPv4 and IPv6.</summary>
    public IReadOnlyList<IPAddress> Nodes { get; init; } = [];

    /// <summary>For how long resolvers may remember it.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What <c>master</c> and <c>ns</c> below the apex lead to.</summary>
    public required IPAddress Master { get; init; }

    private int Seconds => (int)Ttl.TotalSeconds;

    private DomainName NameServer => Below("ns");

    /// <summary>The answer to a query.</summary>
    /// <param name="query">One question of class IN is answered; all else is refused.</param>
    /// <param name="ask">Say “ask by TCP”, and no more.</param>
    public DnsMessage Answer(DnsMessage query, bool ask)
    {
        DnsMessage answer = query.CreateResponseInstance();
        (answer.IsRecursionAllowed, answer.IsAuthoritiveAnswer) = (false, false);
        if (query.OperationCode != OperationCode.Query) return With(answer, ReturnCode.NotImplemented);
        if (query.EDnsOptions is { Version: > 0 }) return With(answer, ReturnCode.BadVersion);
        if (query.Questions.Count != 1) return With(answer, ReturnCode.FormatError);
        DnsQuestion question = query.Questions[0];
        if (question.RecordClass != RecordClass.INet || !IsOurs(question.Name) || question.RecordType is RecordType.Axfr or RecordType.Ixfr) return With(answer, ReturnCode.Refused);
        if (ask)
        {
            answer.IsTruncated = true;
            return With(answer, ReturnCode.NoError);
        }
        answer.IsAuthoritiveAnswer = true;
        IReadOnlyList<DnsRecordBase>? records = RecordsOf(question.Name);
        answer.AnswerRecords.AddRange(records?.Where(r => r.RecordType == question.RecordType || IsMinimalAny(question, r)) ?? []);
        // Nothing of this type, or no such name: for how long that may be believed.
        if (answer.AnswerRecords.Count == 0) answer.AuthorityRecords.Add(Soa());
        return With(answer, records is null ? ReturnCode.NxDomain : ReturnCode.NoError);
    }

    private bool IsOurs(DomainName name) => name.Equals(Host, ignoreCase: true) || name.IsSubDomainOf(Host);

    // RFC 8482: whoever asks for everything gets something.
    private static bool IsMinimalAny(DnsQuestion question, DnsRecordBase record) => question.RecordType == RecordType.Any && record.RecordType is RecordType.Soa;

    /// <summary>All records of a name; null: there is no such name.</summary>
    private IReadOnlyList<DnsRecordBase>? RecordsOf(DomainName name)
    {
        if (name.Equals(Host, ignoreCase: true))
        {
            IPAddress[] nodes = [.. Nodes];
            Random.Shared.Shuffle(nodes);
            return [.. nodes.Select(n => AddressOf(name, n)), Soa(), new NsRecord(Host, Seconds, NameServer)];
        }
        return name.Equals(NameServer, ignoreCase: true) || name.Equals(Below("master"), ignoreCase: true) ? [AddressOf(name, Master)] : null;
    }

    private DnsRecordBase AddressOf(DomainName name, IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork ? new ARecord(name, Seconds, address) : new AaaaRecord(name, Seconds, address);

    private SoaRecord Soa() => new(Host, Seconds, NameServer, Below("hostmaster"), Serial, Refresh, Retry, Expire, Nothing);

    private DomainName Below(string label) => DomainName.Parse(label) + Host;

    private static DnsMessage With(DnsMessage answer, ReturnCode code)
    {
        answer.ReturnCode = code;
        return answer;
    }
}
