using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Master;
using GlobalCache.Node;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Tests.Node.Control;

/// <summary>A client with a key of its own, which talks to whichever node it is told to, from an address of its own.</summary>
internal sealed class GridClient(string address) : IDisposable
{
    private static readonly JsonSerializerOptions Wire = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Dictionary<object, HttpClient> _places = [];

    public string Id { get; private set; } = "";

    public string Token { get; private set; } = "";

    public void Dispose()
    {
        foreach (HttpClient http in _places.Values) http.Dispose();
        _key.Dispose();
    }

    public async Task EnrolAsync(NodeApp node)
    {
        string invite = (await node.Desk.InviteAsync(inviter: null, default))!;
        Id = (await PostAsync<Enrolled>(node, EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = invite, PublicKey = Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo()) })).ClientId;
        await BeginAsync(node, node);
    }

    /// <summary>A session from one node by another's nonce.</summary>
    public async Task BeginAsync(NodeApp node, NodeApp nonceFrom) => Token = (await PostAsync<Session>(node, EnrolmentApi.Sessions, await AskAsync(nonceFrom))).Token;

    public Task<SessionRequest> AskAsync(NodeApp nonceFrom) => AskAsync(At(nonceFrom));

    private async Task<SessionRequest> AskAsync(HttpClient nonceFrom)
    {
        string nonce = (await nonceFrom.GetFromJsonAsync<SessionNonce>(EnrolmentApi.Nonce))!.Nonce;
        byte[] proof = _key.SignData(Encoding.UTF8.GetBytes($"gc/session/1{nonce}{Id}"), HashAlgorithmName.SHA256);
        return new SessionRequest { ClientId = Id, Nonce = nonce, Proof = Base64Url.EncodeToString(proof) };
    }

    public Task<HttpResponseMessage> GetAsync(NodeApp node, AssetKey key)
    {
        var ask = new HttpRequestMessage(HttpMethod.Get, NodeApi.PathOf(key)) { Headers = { Authorization = new("Bearer", Token) } };
        return At(node).SendAsync(ask);
    }

    public async Task<ClaimVerdict> ClaimAsync(NodeApp node, AssetKey key, byte[] plain, string origin)
    {
        var batch = new ClaimBatch
        {
            Lines = [new ClaimLine { Grid = key.GridId, Type = AssetTypes.Name(key.Type), Id = key.Id, Sha256 = Convert.ToHexStringLower(SHA256.HashData(plain)), Length = plain.Length, Origin = origin }],
        };
        using HttpResponseMessage answer = await SendAsync(node, HttpMethod.Post, NodeApi.Claims, JsonSerializer.SerializeToUtf8Bytes(batch));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<ClaimAnswers>(Wire))!.Lines[0];
    }

    public async Task<HttpResponseMessage> SendAsync(NodeApp node, HttpMethod method, string path, byte[] body)
    {
        using var ask = new HttpRequestMessage(method, path) { Content = new ByteArrayContent(body), Headers = { Authorization = new("Bearer", Token) } };
        ask.Headers.Add(NodeApi.SignatureHeader, Base64Url.EncodeToString(_key.SignData(RequestSignature.Of(method.Method, path, body), HashAlgorithmName.SHA256)));
        return await At(node).SendAsync(ask);
    }

    public HttpClient At(NodeApp node) => At(node, node.Endpoint, node.File, new UriBuilder("https", node.File.Host, node.File.Port).Uri);

    public HttpClient At(MasterApp master) => At(master, master.Public, master.Office.Grid.File, master.Office.Grid.File.Master);

    private HttpClient At(object place, IPEndPoint at, GridFile grid, Uri name)
    {
        if (_places.TryGetValue(place, out HttpClient? there)) return there;
        return _places[place] = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
                await socket.ConnectAsync(at, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { X509Certificate2.CreateFromPem(grid.Ca) },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        })
        { BaseAddress = name };
    }

    /// <summary>Joins a grid that has a master.</summary>
    public async Task EnrolAsync(MasterApp master) => await EnrolAsync(At(master), (await master.Office.Desks.Enrolment.InviteAsync(inviter: null, default))!);

    /// <summary>As anybody would who has a grid's file and an invite.</summary>
    public Task EnrolAsync(GridFile grid, string invite) => EnrolAsync(At(grid, IPEndPoint.Parse(grid.MasterAddress), grid, grid.Master), invite);

    /// <summary>What a node at an address answers.</summary>
    public async Task<HttpStatusCode> StatusAsync(GridFile grid, IPEndPoint node, AssetKey key)
    {
        using var ask = new HttpRequestMessage(HttpMethod.Get, NodeApi.PathOf(key)) { Headers = { Authorization = new("Bearer", Token) } };
        using HttpResponseMessage answer = await At(node, node, grid, new UriBuilder("https", grid.Host, grid.Port).Uri).SendAsync(ask);
        return answer.StatusCode;
    }

    private async Task EnrolAsync(HttpClient http, string invite)
    {
        Id = (await PostAsync<Enrolled>(http, EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = invite, PublicKey = Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo()) })).ClientId;
        Token = (await PostAsync<Session>(http, EnrolmentApi.Sessions, await AskAsync(http))).Token;
    }

    private Task<T> PostAsync<T>(NodeApp node, string path, object body) => PostAsync<T>(At(node), path, body);

    private static async Task<T> PostAsync<T>(HttpClient http, string path, object body)
    {
        using HttpResponseMessage answer = await http.PostAsJsonAsync(path, body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<T>())!;
    }
}
