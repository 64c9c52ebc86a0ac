using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.TestGrid;

/// <summary>
/// Plays a recorded viewer to the stand-in grid: its requests and datagrams in their order, with this login's ids in them.
/// Acks are the replay's own, since the grid's numbers are; what the viewer sent again is sent once.
/// </summary>
internal sealed partial class Replay : IAsyncDisposable
{
    private static readonly string[] Regions = ["RigOne", "RigTwo", "RigFar"];
    private static readonly Message[] Housekeeping = [Message.PacketAck, Message.CompletePingCheck];
    private readonly Recording recording;
    private readonly StandInGrid grid;
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource stopping = new();
    private readonly Dictionary<string, (int Sim, string Cap)> recordedCaps = [];
    private readonly Dictionary<(int Sim, string Cap), string> caps = [];
    private readonly ConcurrentDictionary<int, string> seeds = new();
    private readonly ConcurrentDictionary<int, bool> polled = new();
    private readonly ConcurrentBag<Task> polls = [];
    private (Guid Agent, Guid Session, uint Code) recorded, own;
    private long lastAssetPacket;
    private Task listening = Task.CompletedTask;

    private Replay(Recording recording, StandInGrid grid) => (this.recording, this.grid) = (recording, grid);

    /// <summary>What the grid sent: the recorded port of the simulator, the datagram, its bytes.</summary>
    public ConcurrentQueue<(int Sim, Datagram Datagram, byte[] Wire)> Received { get; } = new();

    /// <summary>The events the grid sent, by name.</summary>
    public ConcurrentQueue<(string Name, XElement Body)> Events { get; } = new();

    /// <summary>What the grid answered event polls.</summary>
    public ConcurrentQueue<RawHttp.Reply> PollReplies { get; } = new();

    /// <summary>Each recorded exchange with the grid's own answer.</summary>
    public List<(RecordedExchange Recorded, RawHttp.Reply Own)> Answers { get; } = [];

    public static async Task<Replay> RunAsync(string name, CancellationToken cancelled)
    {
        var scenario = new Recording(name);
        string login = scenario.Exchanges[0].Body;
        string Field(string field) => Regex.Match(login, $@"<name>{field}</name>\s*<value>\s*<string>(?<text>[^<]*)<", RegexOptions.None, TimeSpan.FromSeconds(1)).Groups["text"].Value;
        StandInGrid standIn = await StandInGrid.StartAsync(new StandInGridOptions
        {
            Users = [new GridUser(Field("first"), Field("last"), Field("passwd"))],
            SendsStandInPicture = !name.StartsWith("06", StringComparison.Ordinal),
        });
        var replay = new Replay(scenario, standIn);
        await replay.PlayAsync(cancelled);
        return replay;
    }

    /// <summary>Returns when <paramref name="enough"/> holds, at the latest after 5 s.</summary>
    public static async Task UntilAsync(Func<bool> enough, CancellationToken cancelled)
    {
        for (int i = 0; i < 250 && !enough(); i++) await Task.Delay(20, cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        await grid.DisposeAsync();
        await stopping.CancelAsync();
        socket.Dispose();
        await listening;
        await Task.WhenAll(polls);
        stopping.Dispose();
    }

    private async Task PlayAsync(CancellationToken cancelled)
    {
        socket.ReceiveBufferSize = 4 << 20;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listening = Task.Run(ListenAsync, cancelled);
        recorded = Ids(recording.Exchanges[0].ReplyText!);
        // The recorded replies are part of the order: they name seeds and say when the agent crossed.
        var steps = recording.Packets.Where(p => p.FromViewer && !p.Datagram.IsResent && !Housekeeping.Contains(p.Datagram.Message))
            .Select(p => (p.Time, Play: (Func<Task>)(() => SendAsync(p, cancelled))))
            .Concat(recording.Exchanges.Where(e => e.StatusLine is not null && !e.Target.StartsWith("/CE/", StringComparison.Ordinal))
                .Select(e => (e.Time, Play: (Func<Task>)(() => AskAsync(e, cancelled)))))
            .Concat(recording.Exchanges.Where(e => e.Target.StartsWith("/CE/", StringComparison.Ordinal) && e.ReplyText is not null)
                .Select(e => (Time: e.ReplyTime, Play: (Func<Task>)(() => Polled(e)))));
        foreach ((_, Func<Task> play) in steps.OrderBy(s => s.Time)) await play();
    }

    private async Task AskAsync(RecordedExchange exchange, CancellationToken cancelled)
    {
        string target = exchange.Target;
        if (target.StartsWith("/CAPS/", StringComparison.Ordinal)) target = new Uri(await SeedAsync(recordedCaps[exchange.Path].Sim, cancelled)).AbsolutePath;
        else if (target != "/") target = target.Replace(exchange.Path, new Uri(caps[recordedCaps[exchange.Path]]).AbsolutePath);
        RawHttp.Reply reply = await RawHttp.SendAsync(grid.LoginUri, exchange.Method, target,
            exchange.Headers.Where(h => h.Name is not ("Host" or "Content-Length" or "content-length")), exchange.Body, cancelled);
        Answers.Add((exchange, reply));
        if (target == "/")
        {
            own = Ids(reply.Text);
            int sim = recording.Packets[0].Sim;
            Learn(exchange.ReplyText!, LoginSeed(), sim, into: recordedCaps);
            seeds[sim] = LoginSeed().Match(reply.Text).Groups["seed"].Value;
        }
        else if (exchange.Target.StartsWith("/CAPS/", StringComparison.Ordinal))
        {
            int sim = recordedCaps[exchange.Path].Sim;
            foreach (Match cap in Capability().Matches(exchange.ReplyText!)) recordedCaps[new Uri(cap.Groups["url"].Value).AbsolutePath] = (sim, cap.Groups["name"].Value);
            foreach (Match cap in Capability().Matches(reply.Text)) caps[(sim, cap.Groups["name"].Value)] = cap.Groups["url"].Value;
            if (polled.TryAdd(sim, true)) polls.Add(PollAsync(caps[(sim, "EventQueueGet")]));
        }
    }

    /// <summary>A recorded event poll has ended: learn its seeds, and let the agent walk where it walked.</summary>
    private Task Polled(RecordedExchange poll)
    {
        foreach (Match there in Seeds().Matches(poll.ReplyText!))
            Learn(there.Value, Seeds(), int.Parse(there.Groups["port"].Value, System.Globalization.CultureInfo.InvariantCulture), recordedCaps);
        if (poll.ReplyText!.Contains("CrossedRegion", StringComparison.Ordinal))
            Assert.True(grid.Cross(grid.Options.Users[0].First, grid.Options.Users[0].Last, "RigTwo"));
        return Task.CompletedTask;
    }

    private static void Learn(string text, Regex seed, int sim, Dictionary<string, (int, string)> into) =>
        into[new Uri(seed.Match(text).Groups["seed"].Value).AbsolutePath.TrimEnd('/')] = (sim, "Seed");

    private async Task SendAsync(RecordedPacket packet, CancellationToken cancelled)
    {
        Datagram datagram = packet.Datagram;
        if (datagram.Message == Message.UseCircuitCode) await SeedAsync(packet.Sim, cancelled);
        if (datagram.Message is Message.RequestImage or Message.TransferRequest)
        {
            // One after the other, as the recorded viewer did: a request in the middle of another's answer changes that.
            await Task.Delay(30, cancelled);
            await UntilAsync(() => TimeProvider.System.GetElapsedTime(Interlocked.Read(ref lastAssetPacket)) > TimeSpan.FromMilliseconds(40), cancelled);
        }

        if (datagram.Message == Message.LogoutRequest)
        {
            // The recorded viewer had heard everything by then.
            string[] heard = [.. recording.Exchanges.Where(e => e.Target.StartsWith("/CE/", StringComparison.Ordinal) && e.ReplyText is not null
                && e.ReplyTime < packet.Time).SelectMany(e => EventsOf(e.ReplyText!)).Select(e => e.Name)];
            await UntilAsync(() => heard.All(h => Events.Any(e => e.Name == h)), cancelled);
        }

        byte[] body = datagram.Body;
        Swap(body, recorded.Agent, own.Agent);
        Swap(body, recorded.Session, own.Session);
        Span<byte> code = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(code, recorded.Code);
        int at = body.AsSpan().IndexOf(code);
        if (at >= 0) BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(at), own.Code);
        byte flags = (byte)(datagram.Flags & ~Datagram.Appended);
        socket.SendTo(Datagram.Write(flags, datagram.Sequence, new BodyWriter(datagram.Message).Raw(body).Plain, []), EndPoint(packet.Sim));
    }

    private async Task<string> SeedAsync(int sim, CancellationToken cancelled)
    {
        await UntilAsync(() => seeds.ContainsKey(sim), cancelled);
        return seeds.TryGetValue(sim, out string? seed) ? seed : throw new InvalidOperationException($"the grid never spoke of simulator {sim}");
    }

    private async Task PollAsync(string url)
    {
        string ack = "<undef/>";
        try
        {
            while (true)
            {
                RawHttp.Reply reply = await RawHttp.SendAsync(grid.LoginUri, "POST", new Uri(url).AbsolutePath, [("Content-Type", "application/llsd+xml")],
                    $"<llsd><map><key>ack</key>{ack}<key>done</key><boolean>0</boolean></map></llsd>", stopping.Token);
                PollReplies.Enqueue(reply);
                if (!reply.StatusLine.Contains(" 200 ", StringComparison.Ordinal)) return;
                foreach (Match there in Seeds().Matches(reply.Text))
                    seeds[Sim(int.Parse(there.Groups["port"].Value, System.Globalization.CultureInfo.InvariantCulture))] = there.Groups["seed"].Value;
                foreach ((string name, XElement body) in EventsOf(reply.Text)) Events.Enqueue((name, body));
                ack = Regex.Match(reply.Text, "<key>id</key>(?<id><integer>[^<]*</integer>)", RegexOptions.None, TimeSpan.FromSeconds(1)).Groups["id"].Value;
            }
        }
        catch (Exception over) when (over is OperationCanceledException or IOException or SocketException)
        {
            // The grid is gone.
        }
    }

    public static IEnumerable<(string Name, XElement Body)> EventsOf(string reply) =>
        XDocument.Parse(reply).Root!.Element("map")!.Elements("array").First().Elements("map").Select(e =>
            (((XElement)e.Elements("key").First(k => k.Value == "message").NextNode!).Value, (XElement)e.Elements("key").First(k => k.Value == "body").NextNode!));

    private async Task ListenAsync()
    {
        byte[] buffer = new byte[Datagram.MaxBytes];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), stopping.Token);
                byte[] wire = buffer[..got.ReceivedBytes];
                Assert.True(Datagram.TryRead(wire, out Datagram datagram));
                Received.Enqueue((Sim(((IPEndPoint)got.RemoteEndPoint).Port), datagram, wire));
                if (datagram.Message is Message.ImageData or Message.ImagePacket or Message.TransferInfo or Message.TransferPacket)
                    Interlocked.Exchange(ref lastAssetPacket, TimeProvider.System.GetTimestamp());
                if (datagram.IsReliable)
                    socket.SendTo(Datagram.Write(0, 100_000, new BodyWriter(Message.PacketAck).U8(1).U32(datagram.Sequence).Plain, []), got.RemoteEndPoint);
            }
        }
        catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The replay is over.
        }
    }

    private static void Swap(byte[] body, Guid old, Guid now)
    {
        Span<byte> wanted = stackalloc byte[16];
        old.TryWriteBytes(wanted, bigEndian: true, out _);
        for (int at; (at = body.AsSpan().IndexOf(wanted)) >= 0;) now.TryWriteBytes(body.AsSpan(at), bigEndian: true, out _);
    }

    private static (Guid, Guid, uint) Ids(string login)
    {
        // The library's owner is an agent_id too, before or after the viewer's.
        string Value(string name) => Regex.Matches(login, $"<name>{name}</name><value><[a-z0-9]+>(?<text>[^<]*)<", RegexOptions.None, TimeSpan.FromSeconds(1))
            .Select(m => m.Groups["text"].Value).First(v => v != "11111111-1111-0000-0000-000100bba000");
        return (Guid.Parse(Value("agent_id")), Guid.Parse(Value("session_id")), (uint)int.Parse(Value("circuit_code"), System.Globalization.CultureInfo.InvariantCulture));
    }

    private IPEndPoint EndPoint(int sim) => grid.Regions[Regions[sim - 9000]];

    private int Sim(int port) => 9000 + Array.IndexOf(Regions, grid.Regions.First(r => r.Value.Port == port).Key);

    public static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    [GeneratedRegex("<name>seed_capability</name><value><string>(?<seed>[^<]*)", RegexOptions.None, 1000)]
    private static partial Regex LoginSeed();

    [GeneratedRegex("<key>(?<name>[A-Za-z0-9]+)</key><string>(?<url>http[^<]*)</string>", RegexOptions.None, 1000)]
    private static partial Regex Capability();

    // EstablishAgentCommunication, TeleportFinish and CrossedRegion each have their own order of the two.
    [GeneratedRegex("<string>127.0.0.1:(?<port>\\d+)</string><key>seed-capability</key><string>(?<seed>[^<]*)<"
        + "|<key>SimPort</key><integer>(?<port>\\d+)</integer><key>RegionHandle</key><binary>[^<]*</binary><key>SeedCapability</key><string>(?<seed>[^<]*)<"
        + "|<key>SeedCapability</key><string>(?<seed>[^<]*)</string><key>SimIP</key><binary>[^<]*</binary><key>SimPort</key><integer>(?<port>\\d+)<",
        RegexOptions.None, 1000)]
    private static partial Regex Seeds();
}

/// <summary>Each scenario played once, for all tests that look at it.</summary>
public sealed class Replays : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Task<Replay>>> played = new();

    public async ValueTask DisposeAsync()
    {
        foreach (Lazy<Task<Replay>> replay in played.Values) await (await replay.Value).DisposeAsync();
    }

    internal Task<Replay> OfAsync(string scenario) =>
        played.GetOrAdd(scenario, name => new Lazy<Task<Replay>>(() => Replay.RunAsync(name, CancellationToken.None))).Value;
}
