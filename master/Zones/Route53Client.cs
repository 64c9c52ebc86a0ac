using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Amazon.Runtime;

namespace GlobalCache.Master.Zones;

/// <summary>All records of one type that the name has.</summary>
/// <param name="Type">A or AAAA, when it is ours.</param>
/// <param name="Ttl">In seconds.</param>
/// <param name="Values">Addresses; empty in a set that holds none, such as an alias.</param>
/// <param name="IsPlain">False: an alias, or one of several sets with weights and the like. Not ours then.</param>
internal sealed record RecordSet(string Type, long Ttl, IReadOnlyList<string> Values, bool IsPlain = true);

/// <summary>One part of a batch, which is taken whole or not at all.</summary>
/// <param name="Action">UPSERT; or DELETE, which must name what is there, its TTL included.</param>
/// <param name="Set">What.</param>
internal sealed record RecordChange(string Action, RecordSet Set);

/// <summary>
/// As much of Route 53's API (2013-04-01) as one name needs; its SDK is not used (INFRA §5). Too many calls and “the one before is not done” come as status 400, so
/// what is said again goes by the error's code; what may have been done already is said again only where that does no harm.
/// </summary>
internal sealed class Route53Client : IDisposable
{
    private const int Attempts = 4, MostPages = 20, MostValues = 400, MostBytes = 1024 * 1024;
    private const string Version = "/2013-04-01/";
    private static readonly XNamespace s_ns = "https://route53.amazonaws.com/doc/2013-04-01/";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_pause = TimeSpan.FromSeconds(1);

    private readonly Route53Settings _settings;
    private readonly AWSCredentials _credentials;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ActivityHeadersPropagator = null, PooledConnectionLifetime = TimeSpan.FromMinutes(5), SslOptions = { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 } })
    {
        MaxResponseContentBufferSize = MostBytes,
        Timeout = s_patience,
    };

    // Route 53 takes one change of a zone after another.
    private readonly SemaphoreSlim _one = new(1);

    /// <param name="settings">Zone and name.</param>
    /// <param name="credentials">Of the master's role.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">0 – 1, for pauses.</param>
    public Route53Client(Route53Settings settings, AWSCredentials credentials, TimeProvider time, Func<double> random) =>
        (_settings, _credentials, _time, _random) = (settings, credentials, time, random);

    /// <summary>What the name has now, A and AAAA.</summary>
    /// <exception cref="ZoneTroubleException">Not known.</exception>
    public async Task<IReadOnlyList<RecordSet>> ListAsync(CancellationToken ct)
    {
        var found = new List<RecordSet>();
        (string Name, string Value)[] from = [("name", _settings.Name), ("type", "A")];
        for (int page = 0; page < MostPages; page++)
        {
            XElement answer = await AskAsync(HttpMethod.Get, $"hostedzone/{_settings.HostedZone}/rrset", [.. from, ("maxitems", "100")], null, isRepeatable: true, ct);
            foreach (XElement set in answer.Elements(s_ns + "ResourceRecordSets").Elements(s_ns + "ResourceRecordSet"))
            {
                // The list is in the order of names, and begins with ours.
                if (!IsOurs(Text(set, "Name"))) return found;
                string type = Text(set, "Type");
                if (type is "A" or "AAAA") found.Add(Read(set, type));
            }

            if (Text(answer, "IsTruncated") != "true" || !IsOurs(Text(answer, "NextRecordName"))) return found;
            (string, string)[] next = [("name", _settings.Name), ("type", Text(answer, "NextRecordType")), .. Text(answer, "NextRecordIdentifier") is { Length: > 0 } id ? [("identifier", id)] : Array.Empty<(string, string)>()];
            if (next.SequenceEqual(from)) break;
            from = next;
        }

        throw new ZoneTroubleException("The zone cannot be read: Route 53's list does not end.");
    }

    /// <summary>All of it or nothing.</summary>
    /// <returns>The change's id.</returns>
    /// <exception cref="ZoneTroubleException">Refused, or not known whether it was taken.</exception>
    public async Task<string> ChangeAsync(IReadOnlyList<RecordChange> changes, CancellationToken ct)
    {
        if (changes.Any(c => c.Set.Values.Count is 0 or > MostValues)) throw new ZoneTroubleException($"One name holds 1 to {MostValues} addresses of a kind.");
        var body = new XElement(s_ns + "ChangeResourceRecordSetsRequest", new XElement(s_ns + "ChangeBatch", new XElement(s_ns + "Changes", changes.Select(Write))));
        await _one.WaitAsync(ct);
        try
        {
            // A second DELETE finds nothing to delete, and the whole batch is refused: what is there is to be read anew then.
            XElement answer = await AskAsync(HttpMethod.Post, $"hostedzone/{_settings.HostedZone}/rrset/", [], body, isRepeatable: changes.All(c => c.Action == "UPSERT"), ct);
            return Stripped(Text(answer.Element(s_ns + "ChangeInfo"), "Id"), "/change/");
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Whether a change is in force at all of Route 53's servers.</summary>
    /// <exception cref="ZoneTroubleException">Not known.</exception>
    public async Task<bool> IsInSyncAsync(string change, CancellationToken ct) =>
        Text((await AskAsync(HttpMethod.Get, $"change/{change}", [], null, isRepeatable: true, ct)).Element(s_ns + "ChangeInfo"), "Status") == "INSYNC";

    /// <summary>Names of the zone's servers.</summary>
    /// <exception cref="ZoneTroubleException">Not known.</exception>
    public async Task<IReadOnlyList<string>> NameServersAsync(CancellationToken ct) =>
        [.. (await AskAsync(HttpMethod.Get, $"hostedzone/{_settings.HostedZone}", [], null, isRepeatable: true, ct)).Elements(s_ns + "DelegationSet").Elements(s_ns + "NameServers").Elements(s_ns + "NameServer").Select(n => n.Value.TrimEnd('.'))];

    public void Dispose()
    {
        _http.Dispose();
        _one.Dispose();
    }

    private async Task<XElement> AskAsync(HttpMethod method, string path, (string Name, string Value)[] query, XElement? body, bool isRepeatable, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            string code;
            Exception? why = null;
            bool isKnown = true;
            try
            {
                using HttpRequestMessage request = await SignAsync(method, Version + path, query, body);
                using HttpResponseMessage answer = await _http.SendAsync(request, ct);
                XElement? root = TryParse(await answer.Content.ReadAsStringAsync(ct));
                if (answer.StatusCode == HttpStatusCode.OK && root is not null) return root;
                // An InvalidChangeBatch may come without a code, as an element of that name.
                code = root?.Descendants().FirstOrDefault(e => e.Name.LocalName == "Code")?.Value ?? root?.Name.LocalName ?? $"status {(int)answer.StatusCode}";
                isKnown = (int)answer.StatusCode < 500 && root is not null;
            }
            catch (Exception e) when ((e is HttpRequestException or IOException or OperationCanceledException or AmazonClientException) && !ct.IsCancellationRequested)
            {
                (code, why, isKnown) = (e is OperationCanceledException ? "no answer in time" : "no answer", e, false);
            }

            bool again = code is "Throttling" or "ThrottlingException" or "PriorRequestNotComplete" or "RequestLimitExceeded" || (!isKnown && isRepeatable);
            if (!again || attempt == Attempts) throw new ZoneTroubleException($"Route 53 has not done it: {code}.", why);
            // 1, 2, 4 s, each longer by up to a half.
            await Task.Delay(s_pause * Math.Pow(2, attempt - 1) * (1 + (_random() / 2)), _time, ct);
        }
    }

    private async Task<HttpRequestMessage> SignAsync(HttpMethod method, string path, (string Name, string Value)[] query, XElement? body)
    {
        ImmutableCredentials keys = await _credentials.GetCredentialsAsync();
        byte[] bytes = body is null ? [] : Encoding.UTF8.GetBytes("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + body.ToString(SaveOptions.DisableFormatting));
        string date = SigV4.DateOf(_time.GetUtcNow()), asked = string.Join('&', query.Select(q => $"{SigV4.Escape(q.Name)}={SigV4.Escape(q.Value)}"));
        var url = new Uri(_settings.Url, path + (asked.Length == 0 ? "" : "?" + asked));
        var headers = new List<(string Name, string Value)> { ("Host", url.IsDefaultPort ? url.Host : url.Authority), ("X-Amz-Date", date) };
        if (keys.UseToken) headers.Add(("X-Amz-Security-Token", keys.Token));
        string authorization = SigV4.Authorize(new SigV4Request(method.Method, path, query, headers, bytes), keys.AccessKey, keys.SecretKey, _settings.Region, "route53", date);
        var request = new HttpRequestMessage(method, url);
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (body is null) return request;
        request.Content = new ByteArrayContent(bytes);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/xml");
        return request;
    }

    private XElement Write(RecordChange change) => new(s_ns + "Change",
        new XElement(s_ns + "Action", change.Action),
        // In the schema's order, which Route 53 insists on.
        new XElement(s_ns + "ResourceRecordSet", new XElement(s_ns + "Name", _settings.Name), new XElement(s_ns + "Type", change.Set.Type), new XElement(s_ns + "TTL", change.Set.Ttl),
            new XElement(s_ns + "ResourceRecords", change.Set.Values.Select(v => new XElement(s_ns + "ResourceRecord", new XElement(s_ns + "Value", v))))));

    private static RecordSet Read(XElement set, string type) => new(type,
        long.TryParse(Text(set, "TTL"), NumberStyles.None, CultureInfo.InvariantCulture, out long ttl) ? ttl : 0,
        [.. set.Elements(s_ns + "ResourceRecords").Elements(s_ns + "ResourceRecord").Select(r => Text(r, "Value"))],
        IsPlain: set.Element(s_ns + "SetIdentifier") is null && set.Element(s_ns + "AliasTarget") is null);

    private bool IsOurs(string name) => string.Equals(name.TrimEnd('.'), _settings.Name, StringComparison.OrdinalIgnoreCase);

    private static string Text(XElement? of, string name) => of?.Element(s_ns + name)?.Value ?? "";

    private static string Stripped(string id, string prefix) => id.StartsWith(prefix, StringComparison.Ordinal) ? id[prefix.Length..] : id;

    private static XElement? TryParse(string text)
    {
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            return XDocument.Load(reader).Root;
        }
        catch (XmlException)
        {
            return null;
        }
    }
}
