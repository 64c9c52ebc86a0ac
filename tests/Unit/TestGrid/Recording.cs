using System.Text.Json;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.TestGrid;

/// <summary>One recorded scenario of tests/Vectors: its datagrams and its HTTP exchanges, in order of time.</summary>
internal sealed class Recording
{
    public static readonly string[] Names =
    [
        "01-session-nmv", "02-assets-http-udp-nmv", "03-image-partial-cancel-nmv", "04-http-ranges-nmv", "05-loss-resends-nmv",
        "06-image-not-in-database-nmv", "07-multisim-teleport-lmv", "08-udp-appended-acks-lmv", "09-region-crossing-lmv",
    ];

    public Recording(string name)
    {
        Name = name;
        Packets = [.. Lines(name + ".udp.jsonl").Select(line => new RecordedPacket(line))];
        Exchanges = [.. Lines(name + ".http.jsonl").Select(line => new RecordedExchange(line))];
    }

    public string Name { get; }

    public IReadOnlyList<RecordedPacket> Packets { get; }

    public IReadOnlyList<RecordedExchange> Exchanges { get; }

    private static IEnumerable<JsonElement> Lines(string file) =>
        File.ReadLines(Repository.Vector(file)).Select(line => JsonDocument.Parse(line).RootElement);
}

/// <summary>A datagram, its time and direction, and the simulator's port.</summary>
internal sealed class RecordedPacket
{
    public RecordedPacket(JsonElement line)
    {
        Time = line.GetProperty("t").GetDouble();
        FromViewer = line.GetProperty("dir").GetString() == "C2S";
        Sim = line.GetProperty("sim").GetInt32();
        Name = line.GetProperty("msg").GetString()!;
        Wire = Convert.FromHexString(line.GetProperty("hex").GetString()!);
        Assert.True(Datagram.TryRead(Wire, out Datagram datagram));
        Datagram = datagram;
    }

    public double Time { get; }

    public bool FromViewer { get; }

    public int Sim { get; }

    public string Name { get; }

    public byte[] Wire { get; }

    public Datagram Datagram { get; }
}

/// <summary>A request and what came back (nothing, where the client had gone).</summary>
internal sealed class RecordedExchange
{
    public RecordedExchange(JsonElement line)
    {
        Time = line.GetProperty("t").GetDouble();
        JsonElement request = line.GetProperty("req");
        string[] first = request.GetProperty("line").GetString()!.Split(' ');
        (Method, Target) = (first[0], first[1]);
        Headers = Read(request);
        Body = request.TryGetProperty("text", out JsonElement text) ? text.GetString()! : "";
        if (!line.TryGetProperty("resp", out JsonElement reply) || reply.ValueKind != JsonValueKind.Object) return;
        ReplyTime = line.GetProperty("t_resp").GetDouble();
        StatusLine = reply.GetProperty("line").GetString();
        ReplyHeaders = Read(reply);
        ReplyText = reply.TryGetProperty("text", out JsonElement body) ? body.GetString() : null;
        if (!reply.TryGetProperty("trimmed", out _) && reply.TryGetProperty("sha256", out JsonElement hash)) ReplySha256 = hash.GetString();
    }

    public double Time { get; }

    public double ReplyTime { get; }

    public string Method { get; }

    public string Target { get; }

    public IReadOnlyList<(string Name, string Value)> Headers { get; }

    public string Body { get; }

    /// <summary>Null: no reply.</summary>
    public string? StatusLine { get; }

    public IReadOnlyList<(string Name, string Value)> ReplyHeaders { get; } = [];

    /// <summary>Null for binary bodies and those that were cut for the recording.</summary>
    public string? ReplyText { get; }

    /// <summary>Null for text and for what was cut.</summary>
    public string? ReplySha256 { get; }

    public string Path => Target.Split('?')[0].TrimEnd('/');

    private static List<(string Name, string Value)> Read(JsonElement side) =>
        [.. side.GetProperty("headers").EnumerateArray().Select(h => (h[0].GetString()!, h[1].GetString()!))];
}
