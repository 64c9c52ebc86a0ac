using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Client.Caps;

/// <summary>What a login reply says, as far as it concerns a proxy.</summary>
internal enum LoginOutcome
{
    /// <summary>No login reply we understand, or one that lacks what a circuit needs: passed on as it is, with a warning.</summary>
    Unreadable,

    /// <summary>Wrong password, terms of service, MFA challenge, another method's answer: passed on as it is.</summary>
    NotIn,

    /// <summary>The grid sends the viewer on to another login URL.</summary>
    Indeterminate,

    /// <summary>Logged in.</summary>
    Success,
}

/// <summary>
/// The reply to <c>login_to_simulator</c>, XML-RPC or LLSD: who the viewer is now, where its first region lies, and the three values
/// (or the one next URL) that are replaced in place (PROTOCOL §2.2). The secure session id is not read.
/// </summary>
internal sealed class LoginReply
{
    private readonly ReplyDocument? _document;

    private LoginReply(LoginOutcome outcome, ReplyDocument? document) => (Outcome, _document) = (outcome, document);

    public LoginOutcome Outcome { get; private init; }

    public Guid AgentId { get; private init; }

    public Guid SessionId { get; private init; }

    /// <summary>Signed on the wire where it passes 2³¹ (PROTOCOL §2.2).</summary>
    public uint CircuitCode { get; private init; }

    /// <summary>The first region's address; set on success.</summary>
    public IPEndPoint Sim { get; private init; } = new(IPAddress.None, 0);

    /// <summary>The first region's seed; set on success.</summary>
    public string Seed { get; private init; } = "";

    /// <summary>The region's south-west corner in metres, where told.</summary>
    public (long X, long Y)? Region { get; private init; }

    /// <summary>Where the grid sends the viewer on; set when indeterminate.</summary>
    public string NextUrl { get; private init; } = "";

    public static LoginReply Read(ReadOnlyMemory<byte> body)
    {
        if (ReplyDocument.TryRead(body, keepDepth: 1) is not { } document) return new(LoginOutcome.Unreadable, null);
        Value root = document.Root;
        Value? login = document.Find(root, "login"u8);
        if (document.Text(login)?.Trim() == "indeterminate")
        {
            string? next = document.Text(document.Find(root, "next_url"u8));
            return IsWebUrl(next)
                ? new(LoginOutcome.Indeterminate, document) { NextUrl = next! }
                : new(LoginOutcome.NotIn, null);
        }
        if (!document.IsTrue(login)) return new(LoginOutcome.NotIn, null);

        string? seed = document.Text(document.Find(root, "seed_capability"u8));
        if (SimAddress(document, root) is not { } sim || !IsWebUrl(seed)
            || document.Uuid(document.Find(root, "agent_id"u8)) is not { } agent
            || document.Uuid(document.Find(root, "session_id"u8)) is not { } session
            || document.Integer(document.Find(root, "circuit_code"u8)) is not (>= int.MinValue and <= uint.MaxValue and var code))
            return new(LoginOutcome.Unreadable, null);
        return new(LoginOutcome.Success, document)
        {
            AgentId = agent,
            SessionId = session,
            CircuitCode = unchecked((uint)code),
            Sim = sim,
            Seed = seed!,
            Region = document.Integer(document.Find(root, "region_x"u8)) is { } x
                && document.Integer(document.Find(root, "region_y"u8)) is { } y ? (x, y) : null,
        };
    }

    /// <summary>A login the client before this one has seen. It cannot be patched any more.</summary>
    public static LoginReply Resumed(Guid agent, Guid session, uint code, IPEndPoint sim, string seed) =>
        new(LoginOutcome.Success, null) { AgentId = agent, SessionId = session, CircuitCode = code, Sim = sim, Seed = seed };

    /// <summary>The reply with sim and seed replaced. Only on success.</summary>
    public byte[] Patch(IPEndPoint sim, string seed)
    {
        ReplyDocument document = _document!;
        var patches = new PatchList();
        document.PatchText(patches, document.Find(document.Root, "sim_ip"u8)!.Value, sim.Address.ToString());
        document.PatchInteger(patches, document.Find(document.Root, "sim_port"u8)!.Value, sim.Port);
        document.PatchText(patches, document.Find(document.Root, "seed_capability"u8)!.Value, seed);
        return patches.Apply(document.Bytes);
    }

    /// <summary>The reply with its next URL replaced. Only when indeterminate.</summary>
    public byte[] PatchNextUrl(string url)
    {
        ReplyDocument document = _document!;
        var patches = new PatchList();
        document.PatchText(patches, document.Find(document.Root, "next_url"u8)!.Value, url);
        return patches.Apply(document.Bytes);
    }

    internal static bool IsWebUrl(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);

    /// <summary>Dotted quad and port, as LLUDP can reach.</summary>
    internal static IPEndPoint? Endpoint(string? address, long? port) =>
        port is > 0 and <= 65535 && address?.Split('.') is { Length: 4 } quad
        && quad.All(n => byte.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        && IPAddress.TryParse(address, out IPAddress? ip) && ip.AddressFamily == AddressFamily.InterNetwork
            ? new IPEndPoint(ip, (int)port.Value) : null;

    private static IPEndPoint? SimAddress(ReplyDocument document, Value root)
    {
        Value? ip = document.Find(root, "sim_ip"u8);
        return ip is { Kind: ValueKind.String } ? Endpoint(document.Text(ip)?.Trim(), document.Integer(document.Find(root, "sim_port"u8))) : null;
    }
}
