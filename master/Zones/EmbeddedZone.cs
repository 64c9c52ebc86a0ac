using System.Globalization;
using System.Net;
using System.Text.Json;
using ARSoft.Tools.Net;
using DnsClient;
using DnsClient.Protocol;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;

namespace GlobalCache.Master.Zones;

/// <summary>
/// The grid's own zone, served by this process: for a grid on one machine, and for a grid owner's own. What is published lies in a file, so that a new master
/// answers at once as the one before did, and knows what it has to begin with.
/// </summary>
internal sealed class EmbeddedZone : IZone, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly string _file, _host;
    private readonly EmbeddedDns _dns;
    private readonly Lock _gate = new();
    private volatile ZoneContent _content;

    private EmbeddedZone(string file, string host, ZoneContent content, IPEndPoint at, TimeProvider time)
    {
        (_file, _host, _content) = (file, host, content);
        _dns = EmbeddedDns.Start(at, (query, ask) => _content.Answer(query, ask), time);
    }

    private sealed record Published(uint Serial, int Ttl, IReadOnlyList<string> Nodes);

    /// <summary>Where it answers, by UDP and TCP.</summary>
    public IPEndPoint Endpoint => _dns.Endpoint;

    /// <summary>Serves what was published last; nothing at first.</summary>
    /// <param name="file">Where that lies.</param>
    /// <param name="host">The name all nodes share.</param>
    /// <param name="master">The master's address.</param>
    /// <param name="at">Port 0 takes a free one.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="CannotStartException">The port is busy, or the file unusable.</exception>
    public static EmbeddedZone Start(string file, string host, IPAddress master, IPEndPoint at, TimeProvider time)
    {
        Published there = Read(file);
        return new EmbeddedZone(file, host, new ZoneContent
        {
            Host = DomainName.Parse(host),
            Serial = there.Serial,
            Ttl = TimeSpan.FromSeconds(there.Ttl),
            Nodes = [.. there.Nodes.Select(IPAddress.Parse)],
            Master = master,
        }, at, time);
    }

    public Task<IReadOnlySet<IPAddress>> ReadAsync(CancellationToken ct) => Task.FromResult<IReadOnlySet<IPAddress>>(_content.Nodes.ToHashSet());

    public Task<string> PublishAsync(IReadOnlySet<IPAddress> addresses, TimeSpan ttl, CancellationToken ct)
    {
        lock (_gate)
        {
            ZoneContent next = _content with { Nodes = [.. addresses.OrderBy(a => a.ToString(), StringComparer.Ordinal)], Ttl = ttl, Serial = _content.Serial + 1 };
            try
            {
                // First what a new master would begin with, then what is answered: never the other way round.
                PrivateFile.Write(_file, JsonSerializer.SerializeToUtf8Bytes(new Published(next.Serial, (int)ttl.TotalSeconds, [.. next.Nodes.Select(n => n.ToString())]), s_json));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new ZoneTroubleException($"What the DNS says cannot be written to {_file}: {e.Message}", e);
            }
            _content = next;
            return Task.FromResult(next.Serial.ToString(CultureInfo.InvariantCulture));
        }
    }

    public Task<bool> IsInSyncAsync(string change, CancellationToken ct) =>
        Task.FromResult(uint.TryParse(change, NumberStyles.None, CultureInfo.InvariantCulture, out uint serial) && serial <= _content.Serial);

    public async Task<IReadOnlySet<IPAddress>> AskAsync(CancellationToken ct)
    {
        IPEndPoint at = Endpoint.Address.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.Loopback, Endpoint.Port) : Endpoint;
        var client = new LookupClient(new LookupClientOptions(new NameServer(at)) { UseCache = false, Timeout = s_patience, Retries = 1, AutoResolveNameServers = false, ThrowDnsErrors = true });
        try
        {
            IDnsQueryResponse four = await client.QueryAsync(_host, QueryType.A, cancellationToken: ct), six = await client.QueryAsync(_host, QueryType.AAAA, cancellationToken: ct);
            return four.Answers.Concat(six.Answers).OfType<AddressRecord>().Select(r => r.Address).ToHashSet();
        }
        catch (DnsResponseException e)
        {
            throw new ZoneTroubleException($"The name server at {at} does not answer: {e.Message}", e);
        }
    }

    public void Dispose() => _dns.Dispose();

    private static Published Read(string file)
    {
        try
        {
            if (!File.Exists(file)) return new Published(1, 60, []);
            Published? there = JsonSerializer.Deserialize<Published>(File.ReadAllBytes(file), s_json);
            return there is { Nodes: not null, Ttl: >= 0 } && there.Nodes.All(n => IPAddress.TryParse(n, out _)) ? there : throw Damaged(file);
        }
        catch (JsonException)
        {
            throw Damaged(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"{file} cannot be read: {e.Message}");
        }
    }

    private static CannotStartException Damaged(string file) => new($"{file} is damaged: delete it; what the DNS is to say is found again from the nodes that run.");
}
