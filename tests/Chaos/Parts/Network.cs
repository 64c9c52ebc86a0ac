using System.Security.Cryptography.X509Certificates;
using GlobalCache.Chaos.World;

namespace GlobalCache.Chaos.Parts;

/// <summary>Whoever answers at an address.</summary>
/// <param name="Life">It answers as long as that lasts.</param>
/// <param name="Handle">Answers one request.</param>
/// <param name="Services">What the handler's framework wants to find.</param>
internal sealed record Server(Life Life, RequestDelegate Handle, IServiceProvider? Services = null)
{
    /// <summary>What it shows to whoever connects; null: it need not.</summary>
    public Func<X509Certificate2>? Certificate { get; init; }
}

/// <summary>What becomes of one exchange on its way.</summary>
internal enum Fate : byte
{
    Good,

    /// <summary>No connection comes about: known after a second.</summary>
    Unreachable,

    /// <summary>Taken by nobody, answered by nobody.</summary>
    Silent,

    /// <summary>Heard and done, but the answer never comes.</summary>
    AnswerLost,

    /// <summary>The connection breaks in the middle of the answer's body.</summary>
    Cut,
}

/// <summary>
/// Requests and answers between programs, in place of TLS, HTTP and sockets: each way takes its time, and some get lost. Who is asked under a name or an address is
/// looked up when the request arrives.
/// </summary>
internal sealed class Network(Simulation world)
{
    private readonly Dictionary<string, Server> _servers = new(StringComparer.Ordinal);
    private readonly Random _dice = world.Dice("network");

    public Simulation World => world;

    /// <summary>Share of exchanges that something happens to, by who asks and who is asked.</summary>
    public Func<Life, string, double> Lost { get; set; } = (_, _) => 0;

    /// <summary>Told of every exchange that something happens to: who asked whom, and for which asset, if one can tell.</summary>
    public Action<Life, string, Guid?> Spoilt { get; set; } = (_, _, _) => { };

    /// <summary>How long one way takes between these.</summary>
    public Func<Life, string, Random, TimeSpan> Way { get; set; } = (_, _, dice) => TimeSpan.FromMilliseconds(2 + (18 * dice.NextDouble()));

    /// <summary>From now on this one answers there, until it ends.</summary>
    public void Listen(string address, Server server)
    {
        _servers[address] = server;
        server.Life.AtEnd(() =>
        {
            if (_servers.GetValueOrDefault(address) == server) _servers.Remove(address);
        });
    }

    public Server? At(string address) => _servers.GetValueOrDefault(address);

    /// <summary>A program's way out.</summary>
    /// <param name="life">Whose.</param>
    /// <param name="address">Where a request goes.</param>
    /// <param name="believes">Whether it goes on, by the certificate of whoever answers there.</param>
    public HttpMessageInvoker From(Life life, Func<HttpRequestMessage, string> address, Predicate<X509Certificate2>? believes = null) => new(new Handler(this, life, address, believes), disposeHandler: true);

    private Fate Draw(Life from, string to, HttpRequestMessage request)
    {
        double lost = Lost(from, to);
        if (lost == 0 || _dice.NextDouble() >= lost) return Fate.Good;
        Spoilt(from, to, Guid.TryParseExact(request.RequestUri!.OriginalString is { Length: > 36 } text ? text[^36..] : "", "D", out Guid id) ? id : null);
        return (Fate)_dice.Next((int)Fate.Unreachable, (int)Fate.Cut + 1);
    }

    private sealed class Handler(Network network, Life life, Func<HttpRequestMessage, string> address, Predicate<X509Certificate2>? believes) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
        {
            // In the client's own thread of things: what is sent does not change any more.
            byte[] body = request.Content is { } content ? await content.ReadAsByteArrayAsync(ct) : [];
            string to = address(request);
            var exchange = new Exchange(network.World, life, request, body);
            bool IsBelieved(Server server) => believes is null || server.Certificate is not { } shown || believes(shown());
            return await exchange.SendAsync(() => network.At(to), IsBelieved, network.Draw(life, to, request), network.Way(life, to, network._dice), network.Way(life, to, network._dice), network._dice, ct);
        }
    }
}
