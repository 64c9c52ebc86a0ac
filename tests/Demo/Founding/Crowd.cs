using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Demo.Founding;

/// <summary>
/// A thousand clients of one household: each asks the resolver when what it knows is too old, takes one of the addresses, and asks there for a while; a few keep to
/// theirs for long after. Requests leave at the rate they are told, whatever becomes of those before.
/// </summary>
internal sealed class Crowd : IDisposable
{
    private const int Clients = 1000, Stubborn = 20;

    private readonly GridFile _grid;
    private readonly CachingResolver _resolver;
    private readonly TimeProvider _time;
    private readonly TimeSpan _stubbornFor;
    private readonly X509Certificate2 _authority;
    private readonly Known[] _clients = [.. Enumerable.Range(0, Clients).Select(_ => new Known())];
    private readonly ConcurrentDictionary<IPAddress, Place> _places = [];
    private readonly Random _dice = new(11);
    private readonly ConcurrentBag<string> _failures = [];
    private long _sent, _served, _shed, _lost, _open;
    private string _token = "";

    /// <param name="grid">The grid.</param>
    /// <param name="resolver">Whom they ask.</param>
    /// <param name="stubbornFor">How long one in fifty keeps an address beyond its time.</param>
    /// <param name="time">Clock.</param>
    public Crowd(GridFile grid, CachingResolver resolver, TimeSpan stubbornFor, TimeProvider time) =>
        (_grid, _resolver, _stubbornFor, _time, _authority) = (grid, resolver, stubbornFor, time, X509Certificate2.CreateFromPem(grid.Ca));

    private sealed class Known
    {
        public IPAddress? Address;
        public long Until;
    }

    /// <summary>What was asked at one address.</summary>
    public sealed class Place(HttpClient http)
    {
        public HttpClient Http { get; } = http;
        public long Served;
        public long LastAt;
    }

    public long Sent => Volatile.Read(ref _sent);

    public long Served => Volatile.Read(ref _served);

    /// <summary>Answered “not now”.</summary>
    public long Shed => Volatile.Read(ref _shed);

    /// <summary>Not answered, or wrongly.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>What became of the first that were lost.</summary>
    public IReadOnlyList<string> Failures => [.. _failures.Take(20)];

    /// <summary>Served so far, by address.</summary>
    public IReadOnlyDictionary<IPAddress, Place> Places => _places;

    /// <summary>Enrols at the master and takes a session.</summary>
    public async Task EnrolAsync(string invite)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using HttpClient master = Client(IPEndPoint.Parse(_grid.MasterAddress), _grid.Master);
        using HttpResponseMessage enrolled = await master.PostAsJsonAsync(EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = invite, PublicKey = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()) });
        string client = (await enrolled.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<Enrolled>())!.ClientId;
        string nonce = (await master.GetFromJsonAsync<SessionNonce>(EnrolmentApi.Nonce))!.Nonce;
        string proof = Base64Url.EncodeToString(key.SignData(Encoding.UTF8.GetBytes($"gc/session/1{nonce}{client}"), HashAlgorithmName.SHA256));
        using HttpResponseMessage session = await master.PostAsJsonAsync(EnrolmentApi.Sessions, new SessionRequest { ClientId = client, Nonce = nonce, Proof = proof });
        _token = (await session.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<Session>())!.Token;
    }

    /// <summary>Asks at a rate that may change at any moment, until told to stop; then waits for the last answers.</summary>
    public async Task AskAsync(Func<TimeSpan, double?> rate, IReadOnlyList<AssetKey> assets)
    {
        long since = _time.GetTimestamp();
        double due = 0;
        TimeSpan before = TimeSpan.Zero;
        while (true)
        {
            TimeSpan now = _time.GetElapsedTime(since);
            if (rate(now) is not { } perSecond) break;
            due += perSecond * (now - before).TotalSeconds;
            before = now;
            for (; due >= 1; due--) _ = AskOnceAsync(_clients[_dice.Next(Clients)], _dice.Next(Clients) < Stubborn, assets[_dice.Next(assets.Count)]);
            await Task.Delay(TimeSpan.FromMilliseconds(5), _time);
        }
        for (int i = 0; i < 200 && Volatile.Read(ref _open) > 0; i++) await Task.Delay(TimeSpan.FromMilliseconds(50), _time);
        Interlocked.Add(ref _lost, Volatile.Read(ref _open));
    }

    public void Dispose()
    {
        foreach (Place place in _places.Values) place.Http.Dispose();
        _authority.Dispose();
    }

    private async Task AskOnceAsync(Known client, bool isStubborn, AssetKey asset)
    {
        Interlocked.Increment(ref _sent);
        Interlocked.Increment(ref _open);
        try
        {
            Place place = await FindAsync(client, isStubborn);
            using var ask = new HttpRequestMessage(HttpMethod.Get, NodeApi.PathOf(asset)) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
            ask.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
            using HttpResponseMessage answer = await place.Http.SendAsync(ask);
            byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
            if (answer.StatusCode == HttpStatusCode.OK && bytes.Length > 0)
            {
                Interlocked.Increment(ref _served);
                Interlocked.Increment(ref place.Served);
                Volatile.Write(ref place.LastAt, _time.GetTimestamp());
            }
            else if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                Interlocked.Increment(ref _shed);
            }
            else
            {
                Fail($"status {(int)answer.StatusCode}");
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Fail(e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private void Fail(string how)
    {
        Interlocked.Increment(ref _lost);
        _failures.Add(how);
    }

    private async Task<Place> FindAsync(Known client, bool isStubborn)
    {
        IPAddress? address = Volatile.Read(ref client.Address);
        if (address is null || _time.GetTimestamp() > Volatile.Read(ref client.Until))
        {
            (IReadOnlyList<IPAddress> addresses, TimeSpan good) = await _resolver.AskAsync(_grid.Host);
            // Nobody knows: what one knew last.
            if (addresses.Count > 0) address = addresses[Random.Shared.Next(addresses.Count)];
            else if (address is null) throw new HttpRequestException("The name leads nowhere.");
            client.Address = address;
            client.Until = _time.GetTimestamp() + (long)((good + (isStubborn ? _stubbornFor : TimeSpan.Zero)).TotalSeconds * _time.TimestampFrequency);
        }
        return _places.GetOrAdd(address, a => new Place(Client(new IPEndPoint(a, _grid.Port), new UriBuilder("https", _grid.Host, _grid.Port).Uri)));
    }

    private HttpClient Client(IPEndPoint at, Uri name) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        EnableMultipleHttp2Connections = true,
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(at, ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
        SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _authority }, RevocationMode = X509RevocationMode.NoCheck },
        },
    })
    { BaseAddress = name, Timeout = TimeSpan.FromSeconds(10) };
}
