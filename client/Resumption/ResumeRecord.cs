using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Client.Caps;

namespace GlobalCache.Client.Resumption;

/// <summary>
/// What a client that is killed leaves to the one that is started next, so that the viewers behind it go on: where they reach us, and what stands for
/// their regions. No password and no secure session id: neither is read from a login.
/// </summary>
/// <param name="Boot">The boot it holds for.</param>
/// <param name="Pages">Begins the names of the circuits' pages, where the hot part lies (<see cref="CircuitPages"/>).</param>
/// <param name="Endpoint">Where viewers connect to.</param>
/// <param name="LoginUri">The grid the client stands before.</param>
/// <param name="Sessions">The viewers logged in.</param>
internal sealed record ResumeRecord(string Boot, string Pages, string Endpoint, string LoginUri, IReadOnlyList<SessionRecord> Sessions)
{
    /// <summary>Told by the first byte. Another version's record is refused: sessions of a minute are not worth a conversion.</summary>
    public const byte Version = 1;

    private static readonly JsonSerializerOptions s_json = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public byte[] ToBytes() => [Version, .. JsonSerializer.SerializeToUtf8Bytes(this, s_json)];

    /// <summary>Null: another version's, damaged, or with anything in it that a session could not have had.</summary>
    public static ResumeRecord? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (bytes is not [Version, ..]) return null;
        try
        {
            return JsonSerializer.Deserialize<ResumeRecord>(bytes[1..], s_json) is { } record && record.IsSound ? record : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private bool IsSound => CircuitPages.IsName(Pages) && IPEndPoint.TryParse(Endpoint, out _) && IsUrl(LoginUri) && Sessions.All(s => s is { IsSound: true });

    internal static bool IsUrl(string text) => LoginReply.IsWebUrl(text);

    public override string ToString() => nameof(ResumeRecord);
}

/// <summary>One login (PROTOCOL §2.2). The session id is unavoidable: a viewer shows it when it opens a circuit, and nobody else may.</summary>
/// <param name="AgentId">Who.</param>
/// <param name="SessionId">Which login.</param>
/// <param name="CircuitCode">What circuits are opened with.</param>
/// <param name="Seed">The first region's seed, which tells the home grid.</param>
/// <param name="UpstreamPort">The UDP port sims know the viewer by; 0 while there is none.</param>
/// <param name="Root">The sim the avatar is at, once its circuits have seen it arrive.</param>
/// <param name="Regions">The first is the one logged in to.</param>
/// <param name="Caps">Every token given out.</param>
internal sealed record SessionRecord(
    Guid AgentId, Guid SessionId, uint CircuitCode, string Seed, int UpstreamPort, string? Root, IReadOnlyList<RegionRecord> Regions,
    IReadOnlyList<CapRecord> Caps)
{
    internal bool IsSound => ResumeRecord.IsUrl(Seed) && UpstreamPort is >= 0 and <= ushort.MaxValue && (Root is null || IPEndPoint.TryParse(Root, out _))
        && Regions.Count > 0 && Regions.All(r => r is { IsSound: true }) && Caps.All(c => c is not null && c.IsSound(Regions.Count));

    /// <summary>The loopback port that stands for this sim; 0: any.</summary>
    public int PortOf(IPEndPoint sim) => Regions.FirstOrDefault(r => r.Sim == sim.ToString())?.LocalPort ?? 0;

    public override string ToString() => nameof(SessionRecord);
}

/// <summary>One region.</summary>
/// <param name="Sim">Its address.</param>
/// <param name="LocalPort">The loopback UDP port that stands for it.</param>
/// <param name="Seed">The seed last told for it.</param>
/// <param name="GridId">Its grid, once that is known.</param>
/// <param name="IsGone">Its capabilities are dying.</param>
internal sealed record RegionRecord(string Sim, int LocalPort, string? Seed, string? GridId, bool IsGone)
{
    internal bool IsSound => IPEndPoint.TryParse(Sim, out _) && LocalPort is > 0 and <= ushort.MaxValue && (Seed is null || ResumeRecord.IsUrl(Seed));

    public override string ToString() => nameof(RegionRecord);
}

/// <summary>One token.</summary>
/// <param name="Token">As the viewer knows it.</param>
/// <param name="Region">Which of the session's regions, counted from 0.</param>
/// <param name="Name">What it is.</param>
/// <param name="Real">The grid's own URL.</param>
/// <param name="IsLast">The region's last grant of that name.</param>
/// <param name="Kept">An event queue's answer that its viewer may not have.</param>
internal sealed record CapRecord(string Token, int Region, CapName Name, string Real, bool IsLast, KeptAnswer? Kept)
{
    internal bool IsSound(int regions) =>
        Token.Length == 32 && Token.All(char.IsAsciiHexDigitLower) && Region >= 0 && Region < regions && Enum.IsDefined(Name) && ResumeRecord.IsUrl(Real)
        && (Kept is null || Kept.Headers.All(h => h is { Length: > 1 } && h.All(v => v is not null)));

    public override string ToString() => nameof(CapRecord);
}

/// <summary>What an event queue answered, for the viewer's repeat (PROTOCOL §4.1).</summary>
/// <param name="Ack">The question's.</param>
/// <param name="Headers">Of the answer: name, then values.</param>
/// <param name="Body">Of the answer.</param>
internal sealed record KeptAnswer(string Ack, IReadOnlyList<string[]> Headers, byte[] Body)
{
    public override string ToString() => nameof(KeptAnswer);
}
