using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Fleet;

/// <summary>
/// The node's word to the master: how it does, every two seconds as a rule, and once a day “a new certificate, please”. Nothing waits for it once the first certificate is
/// there: a master that is away for a day is missed by nobody, and after <see cref="FleetOptions.Orphan"/> the node takes it that it has been forgotten.
/// </summary>
internal sealed class MasterLink : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5), s_again = TimeSpan.FromSeconds(30), s_firstPause = TimeSpan.FromMilliseconds(200), s_longestPause = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 4 };

    private readonly FleetOptions _options;
    private readonly byte[] _key;
    private readonly GridFile _grid;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly HttpMessageInvoker _http;
    private long _lastAt, _heard;
    private string _deniedSerial = "";
    private bool _told;
    private volatile X509Certificate2? _certificate;
    private DateTimeOffset _renewAt;

    /// <param name="options">Who and where.</param>
    /// <param name="key">The report key.</param>
    /// <param name="grid">The authority and the name that certificates bear.</param>
    /// <param name="from">The address to speak from: the master knows the node by it.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">Told once when the master is silent, and once when it is back.</param>
    /// <param name="http">How the master is reached; null: over TCP.</param>
    public MasterLink(FleetOptions options, byte[] key, GridFile grid, IPAddress from, TimeProvider time, ILogger log, HttpMessageInvoker? http = null)
    {
        (_options, _key, _grid, _time, _log, _heard) = (options, key, grid, time, log, time.GetTimestamp());
        _http = http ?? Tcp(options.Master, from);
    }

    /// <summary>Serial number of the certificate in use; empty: none yet.</summary>
    public string Serial => _certificate?.SerialNumber ?? "";

    /// <summary>Since the master answered last; since the start where it never has.</summary>
    public TimeSpan Silence => _time.GetElapsedTime(Volatile.Read(ref _heard));

    /// <summary>The certificate to serve with.</summary>
    public X509Certificate2 Certificate(DateTimeOffset now) => _certificate ?? throw new InvalidOperationException("No certificate has been fetched yet.");

    /// <summary>Asks for the first certificate until it is given.</summary>
    public async Task BeginAsync(CancellationToken ct)
    {
        for (TimeSpan pause = s_firstPause; !await RenewAsync(ct); pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause) await Task.Delay(pause, _time, ct);
    }

    /// <summary>Reports, and renews what is half over or denied, until <paramref name="ct"/> or until the node is an orphan. True: it is one.</summary>
    public async Task<bool> FollowAsync(Func<NodeReport> look, Predicate<string> denied, CancellationToken ct)
    {
        try
        {
            while (Silence < _options.Orphan)
            {
                await ReportAsync(look, ct);
                if ((_time.GetUtcNow() >= _renewAt || IsNewlyDenied(denied)) && !await RenewAsync(ct)) _renewAt = _time.GetUtcNow() + s_again;
                await Task.Delay(_options.ReportEvery, _time, ct);
            }
            _log.Orphaned(_options.Orphan);
            return true;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return false;
        }
    }

    // Where the master cannot be asked it is asked again as for one that is half over.
    private bool IsNewlyDenied(Predicate<string> denied)
    {
        if (Serial == _deniedSerial || !denied(Serial)) return false;
        _deniedSerial = Serial;
        return true;
    }

    public void Dispose() => _http.Dispose();

    private async Task ReportAsync(Func<NodeReport> look, CancellationToken ct)
    {
        if (await AskAsync<ReportAnswer>(FleetApi.Reports, look() with { Node = _options.Id, At = NextAt(), Serial = Serial }, ct) is null) return;
        Volatile.Write(ref _heard, _time.GetTimestamp());
    }

    private async Task<bool> RenewAsync(CancellationToken ct)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={_options.Id}", key, HashAlgorithmName.SHA256);
        string pkcs10 = Convert.ToBase64String(request.CreateSigningRequest());
        NodeCertificate? given = await AskAsync<NodeCertificate>(FleetApi.Certificates, new CertificateRequestBody { Node = _options.Id, At = NextAt(), Request = pkcs10 }, ct);
        if (given is null || TryUse(given, key) is not { } certificate) return false;
        _renewAt = _time.GetUtcNow() + ((new DateTimeOffset(certificate.NotAfter) - _time.GetUtcNow()) / 2);
        // Earlier ones are still used by connections and left to them.
        _certificate = certificate;
        return true;
    }

    /// <summary>A certificate is used only if clients would believe it.</summary>
    private X509Certificate2? TryUse(NodeCertificate given, ECDsa key)
    {
        try
        {
            using X509Certificate2 leaf = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(given.Certificate));
            using X509Certificate2 authority = X509Certificate2.CreateFromPem(_grid.Ca);
            using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true, VerificationTime = _time.GetUtcNow().UtcDateTime } };
            if (!chain.Build(leaf) || !leaf.MatchesHostname(_grid.Host)) return null;
            using X509Certificate2 whole = leaf.CopyWithPrivateKey(key);
            // A key made in memory serves TLS on every system only after a trip through PKCS#12.
            return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException)
        {
            _log.CertificateUnusable(e.Message);
            return null;
        }
    }

    /// <summary>The answer; null: there is none, or it is a refusal.</summary>
    private async Task<T?> AskAsync<T>(string path, object body, CancellationToken ct)
        where T : class
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), s_json);
        using var late = new CancellationTokenSource(s_patience, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_options.Master}{path}") { Content = new ByteArrayContent(bytes) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation(FleetApi.SignatureHeader, FleetSignature.Of(_key, path, bytes));
        try
        {
            using HttpResponseMessage answer = await _http.SendAsync(request, stop.Token);
            if (answer.StatusCode != HttpStatusCode.OK) throw new HttpRequestException($"status {(int)answer.StatusCode}");
            byte[] read = new byte[FleetApi.MaxBytes];
            int length = await (await answer.Content.ReadAsStreamAsync(stop.Token)).ReadAtLeastAsync(read, read.Length, throwOnEndOfStream: false, stop.Token);
            T? said = JsonSerializer.Deserialize<T>(read.AsSpan(0, length), s_json);
            if (_told) _log.MasterBack();
            _told = false;
            return said;
        }
        catch (Exception e) when ((e is HttpRequestException or IOException or JsonException or OperationCanceledException) && !ct.IsCancellationRequested)
        {
            if (!_told) _log.MasterSilent(HttpTrouble.Reason(e));
            _told = true;
            return null;
        }
    }

    private static HttpMessageInvoker Tcp(IPEndPoint master, IPAddress from) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        MaxResponseHeadersLength = 8,
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(master.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                if (!from.Equals(IPAddress.Any) && !from.Equals(IPAddress.IPv6Any)) socket.Bind(new IPEndPoint(from, 0));
                await socket.ConnectAsync(master, ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    });

    // Rises whatever the wall clock does; the master refuses what is not of this minute and what it has heard.
    private long NextAt() => _lastAt = Math.Max(_lastAt + 1, _time.GetUtcNow().ToUnixTimeMilliseconds());
}

/// <summary>What is logged of the fleet, 6080 – 6099.</summary>
internal static partial class FleetLog
{
    [LoggerMessage(6080, LogLevel.Warning, "The master does not answer ({reason}); the node serves on.")]
    public static partial void MasterSilent(this ILogger log, string reason);

    [LoggerMessage(6081, LogLevel.Information, "The master answers again.")]
    public static partial void MasterBack(this ILogger log);

    [LoggerMessage(6082, LogLevel.Error, "No master has answered for {orphan}: the node takes it that it is forgotten, and stops.")]
    public static partial void Orphaned(this ILogger log, TimeSpan orphan);

    [LoggerMessage(6083, LogLevel.Error, "The certificate that the master gave cannot be used: {reason}")]
    public static partial void CertificateUnusable(this ILogger log, string reason);

    [LoggerMessage(6084, LogLevel.Information, "The master's word: {word} (epoch {epoch}).")]
    public static partial void Ordered(this ILogger log, Policy.Wire.NodeWord word, long epoch);
}
