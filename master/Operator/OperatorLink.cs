using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Operator;

/// <summary>What the operator asked for was not done; the message is one sentence.</summary>
internal sealed class OperatorRefusedException(string message) : Exception(message);

/// <summary>
/// The operator's connection to a master elsewhere, by its public listener (SECURITY §2, §3). The admin code is all there is to begin with: whoever answers has to know the code's hash
/// before anything secret is said to it, and from then on the grid's own authority vouches for it.
/// </summary>
internal sealed class OperatorLink : IAsyncDisposable
{
    private const int MostBytes = 4 << 20;
    private const string Foreign = "does not prove to be the grid's master: its certificate is not of the grid's authority, or this machine's clock is wrong.";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly X509Certificate2 _authority;
    private readonly string _at;
    private string? _token;

    private OperatorLink(string at, GridFile file, byte[] body)
    {
        (_at, File, Body) = (at, file, body);
        _authority = X509Certificate2.CreateFromPem(file.Ca);
        SocketsHttpHandler handler = Handler(at);
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _authority },
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        _http = new HttpClient(handler) { BaseAddress = file.Master, Timeout = s_patience, MaxResponseContentBufferSize = MostBytes };
    }

    /// <summary>How the grid is found and known.</summary>
    public GridFile File { get; }

    /// <summary>The same, as the master sent it.</summary>
    public byte[] Body { get; }

    /// <summary>Finds out who answers.</summary>
    /// <param name="at">HOST or HOST:PORT, by name or address.</param>
    /// <param name="code">The admin code.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="OperatorRefusedException">Nobody answers, or somebody else.</exception>
    public static async Task<OperatorLink> OpenAsync(string at, string code, CancellationToken ct)
    {
        using SocketsHttpHandler handler = Handler(at);
        // It proves itself by what it says, not yet by its certificate; so nothing is said to it but this question.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
        using var http = new HttpClient(handler) { BaseAddress = AddressOf(at), Timeout = s_patience, MaxResponseContentBufferSize = MostBytes };
        return await GuardedAsync(at, "does not speak TLS: is that a master's public address?", async () =>
        {
            using HttpResponseMessage answer = await http.GetAsync(EnrolmentApi.GridFile, ct);
            if (answer.StatusCode != HttpStatusCode.OK) throw new OperatorRefusedException($"{at} gives no grid.json (status {(int)answer.StatusCode}): is that a master's public address?");
            byte[] body = await answer.Content.ReadAsByteArrayAsync(ct);
            if (!GridMac.IsOf(code, body, answer.Headers.TryGetValues(EnrolmentApi.GridMac, out IEnumerable<string>? mac) ? mac.Single() : null))
                throw new OperatorRefusedException($"{at} does not know this admin code: the code is not this master's, or somebody else answers there. Nothing was said to it.");
            return JsonSerializer.Deserialize<GridFile>(body, JsonSerializerOptions.Web) is { } file && new GridFileValidator().Validate(file).IsValid
                ? new OperatorLink(at, file, body) : throw new OperatorRefusedException($"{at} gives a grid.json that cannot be used: is this program older than the master?");
        }, ct);
    }

    /// <summary>Begins the session that the other calls need.</summary>
    /// <exception cref="OperatorRefusedException">It is refused.</exception>
    public async Task SignInAsync(string code, CancellationToken ct)
    {
        AdminWelcome welcome = await GuardedAsync(_at, Foreign, async () =>
        {
            using HttpResponseMessage answer = await _http.PostAsync(MasterApi.AdminSession, Json(new AdminSignIn { Code = code }, MasterJson.Default.AdminSignIn), ct);
            return answer.StatusCode switch
            {
                HttpStatusCode.OK => await ReadAsync(answer, MasterJson.Default.AdminWelcome, ct),
                HttpStatusCode.TooManyRequests => throw new OperatorRefusedException($"{_at} was signed in to too often: try again in {answer.Headers.RetryAfter?.Delta?.TotalSeconds ?? 60:0} s."),
                _ => throw new OperatorRefusedException($"{_at} refuses the admin code (status {(int)answer.StatusCode})."),
            };
        }, ct);
        _token = welcome.Token;
    }

    /// <summary>A call without a body.</summary>
    /// <exception cref="OperatorRefusedException">It is refused, in the master's words; or it cannot be known whether it stands.</exception>
    public Task<T> CallAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken ct) => SendAsync(method, path, null, type, ct);

    /// <summary>A call with one.</summary>
    /// <exception cref="OperatorRefusedException">As above.</exception>
    public Task<T> CallAsync<TBody, T>(HttpMethod method, string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<T> type, CancellationToken ct) => SendAsync(method, path, Json(body, bodyType), type, ct);

    public async ValueTask DisposeAsync()
    {
        if (_token is not null)
        {
            try
            {
                // The master keeps but few sessions.
                using HttpRequestMessage over = Request(HttpMethod.Delete, MasterApi.AdminSession, null);
                using var late = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                using HttpResponseMessage answer = await _http.SendAsync(over, late.Token);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                // It ends by itself too.
            }
        }

        _http.Dispose();
        _authority.Dispose();
    }

    private Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? body, JsonTypeInfo<T> type, CancellationToken ct) => GuardedAsync(_at, Foreign, async () =>
    {
        using HttpRequestMessage ask = Request(method, path, body);
        using HttpResponseMessage answer = await _http.SendAsync(ask, ct);
        if (answer.IsSuccessStatusCode) return await ReadAsync(answer, type, ct);
        AdminAnswer? said = answer.Content.Headers.ContentType?.MediaType == "application/json" ? await answer.Content.ReadFromJsonAsync(MasterJson.Default.AdminAnswer, ct) : null;
        throw new OperatorRefusedException(said?.Said ?? $"{_at} refuses it (status {(int)answer.StatusCode}).");
    }, ct);

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? body)
    {
        var ask = new HttpRequestMessage(method, path) { Content = body };
        if (method != HttpMethod.Get && _token is not null) ask.Headers.Add(MasterApi.TokenHeader, _token);
        return ask;
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken ct) =>
        await answer.Content.ReadFromJsonAsync(type, ct) ?? throw new JsonException("null");

    private static JsonContent Json<T>(T body, JsonTypeInfo<T> type) => JsonContent.Create(body, type);

    private static Uri AddressOf(string at) => Uri.TryCreate($"https://{at}/", UriKind.Absolute, out Uri? url) && url.PathAndQuery == "/" && url.UserInfo.Length == 0
        ? url : throw new OperatorRefusedException($"{at} is no HOST or HOST:PORT of a master.");

    // Whatever name the certificate bears, the connection goes where the operator said: the grid's zone may not be delegated yet.
    private static SocketsHttpHandler Handler(string at)
    {
        Uri to = AddressOf(at);
        return new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = 32,
            SslOptions = { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 },
            ConnectCallback = async (_, stop) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(new DnsEndPoint(to.IdnHost.Trim('[', ']'), to.Port), stop);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
    }

    private static async Task<T> GuardedAsync<T>(string at, string noTls, Func<Task<T>> act, CancellationToken ct)
    {
        try
        {
            return await act();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or CryptographicException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw new OperatorRefusedException(e switch
            {
                JsonException => $"{at} says something that cannot be understood: is this program older than the master?",
                { InnerException: System.Security.Authentication.AuthenticationException } => $"{at} {noTls}",
                _ => $"{at} cannot be reached ({(e as HttpRequestException)?.HttpRequestError.ToString() ?? "no answer in time"}): is the master running, and does its name have its address yet?",
            });
        }
    }
}
