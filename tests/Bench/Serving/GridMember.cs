using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Bench.Serving;

/// <summary>One client of the grid under measurement: its key, enrolled by an invite, and its session, in a connection pool that trusts the grid's authority alone.</summary>
internal sealed class GridMember : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly HttpClient _http;

    private GridMember(GridFile grid, string address)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { X509Certificate2.CreateFromPem(grid.Ca) }, RevocationMode = X509RevocationMode.NoCheck };
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = trust } })
        {
            BaseAddress = new Uri($"https://{address}"),
            // Names the grid in the handshake too, whatever address is dialled.
            DefaultRequestHeaders = { Host = grid.Host },
            DefaultRequestVersion = HttpVersion.Version11,
        };
    }

    public static async Task<GridMember> JoinAsync(GridFile grid, string address, string invite)
    {
        var member = new GridMember(grid, address);
        string client = (await member.PostAsync<Enrolled>(
            EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = invite, PublicKey = Convert.ToBase64String(member._key.ExportSubjectPublicKeyInfo()) })).ClientId;
        string nonce = (await member._http.GetFromJsonAsync<SessionNonce>(EnrolmentApi.Nonce))!.Nonce;
        byte[] proof = member._key.SignData(Encoding.UTF8.GetBytes($"gc/session/1{nonce}{client}"), HashAlgorithmName.SHA256);
        Session session = await member.PostAsync<Session>(EnrolmentApi.Sessions, new SessionRequest { ClientId = client, Nonce = nonce, Proof = Base64Url.EncodeToString(proof) });
        member._http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.Token);
        return member;
    }

    /// <summary>What goes into <see cref="NodeApi.SignatureHeader"/>.</summary>
    public string Sign(string method, string path, byte[] body) => Base64Url.EncodeToString(_key.SignData(RequestSignature.Of(method, path, body), HashAlgorithmName.SHA256));

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, byte[] body, string signature)
    {
        var ask = new HttpRequestMessage(method, path) { Content = new ByteArrayContent(body) };
        ask.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        ask.Headers.Add(NodeApi.SignatureHeader, signature);
        return _http.SendAsync(ask);
    }

    public void Dispose()
    {
        _http.Dispose();
        _key.Dispose();
    }

    private async Task<T> PostAsync<T>(string path, object body)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync(path, body);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<T>())!;
    }
}
