using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>
/// Every bound the client works within: one record, one validator, the same names in the configuration file
/// (section <c>Limits</c>), and later in the policy document. Read once at the client's start.
/// </summary>
public sealed record ClientLimits
{
    /// <summary>A local read slower than this counts as a miss and the grid is asked. Default 50 ms, 1 ms – 60 s (DESIGN §1).</summary>
    public TimeSpan LocalReadDeadline { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Textures up to this many bytes are completed in the background once a viewer has read a part of them. Larger ones are
    /// kept only when the viewer's own reads happen to cover them. Default 1 MiB, 0 (never) – 16 MiB (DESIGN §4.2).
    /// </summary>
    public int CompleteTextureUpToBytes { get; init; } = 1 << 20;

    /// <summary>As <see cref="CompleteTextureUpToBytes"/>, for meshes. Default 2 MiB, 0 – 64 MiB.</summary>
    public int CompleteMeshUpToBytes { get; init; } = 2 << 20;

    /// <summary>Background connections that complete assets; they stand still while a viewer's request waits. Default 2, 1 – 4 (PROTOCOL §3.6).</summary>
    public int CompletionConnections { get; init; } = 2;

    /// <summary>
    /// Connections to one asset host for viewers' own requests. Default 32, 1 – 64: as many as one viewer opens itself (8 textures,
    /// 8 meshes, 2 large meshes, 12 others, PROTOCOL §3.4). The front answers one request a connection at a time, so a viewer never
    /// keeps more of ours busy than it would keep of the host's; with fewer, its requests would wait for each other where they
    /// do not without us, a round trip at a time.
    /// </summary>
    public int ConnectionsPerHost { get; init; } = 32;

    /// <summary>Memory for assets that are being pieced together, all sessions, in bytes. Beyond it the oldest are given up. Default 128 MiB, 64 MiB (one largest mesh) – 4 GiB.</summary>
    public long AssemblyBytes { get; init; } = 128L << 20;

    /// <summary>Pieces older than this are not joined with newer ones. Default 5 min, 10 s – 1 h (PROTOCOL §3.6).</summary>
    public TimeSpan AssemblyLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The background begins, or goes on, when no viewer's request has waited for the grid for this long: between the probe of a texture
    /// and the range that follows it a viewer is not done. Default 500 ms, 0 – 60 s (PROTOCOL §3.6).
    /// </summary>
    public TimeSpan CompletionSettle { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>An asset host may take this long to begin an answer, the wait for a connection included; then the viewer gets a 503. Default 60 s, 1 – 600 s.</summary>
    public TimeSpan AssetAnswerTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>An asset host may pause this long within an answer; then the viewer's connection is broken. Default 30 s, 1 – 600 s.</summary>
    public TimeSpan AssetStallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>An event queue error reaches the viewer no earlier than this after its request; sooner, ten in a row log it out. Default 10 s, 10 – 25 s (PROTOCOL §4.1).</summary>
    public TimeSpan EventQueueErrorHold { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>When the grid cannot be reached at all, the event queue answers 502 no earlier than this. Default 25 s, 10 – 60 s (PROTOCOL §4.1).</summary>
    public TimeSpan EventQueueUnreachableHold { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Pause between two upstream polls while an answer is held back. Default 1 s, 100 ms – 10 s (PROTOCOL §4.1).</summary>
    public TimeSpan EventQueueRetry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the grid may take over one event poll. Default 90 s, 60 s – 10 min (PROTOCOL §4.1).</summary>
    public TimeSpan EventQueuePollTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>A session ends when the viewer has sent no datagram for this long. Default 120 s, 60 s – 1 h (PROTOCOL §4.4).</summary>
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Sockets and tokens live on for this long after a logout, for late packets; the grid's own answer is one. Default 5 s, 1 – 60 s (PROTOCOL §4.4).</summary>
    public TimeSpan LogoutLinger { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A client that was killed and is started again within this takes its viewers' sessions up where they were; later they are over: the grids have
    /// given them up, or soon will. Default 30 s, 0 (never) – 60 s (a sim waits 60 s for a packet, PROTOCOL §1.6).
    /// </summary>
    public TimeSpan ResumeWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Viewers logged in at once. Default 16, 1 – 1 000. Further logins pass to the grid and come back unpatched with a warning.</summary>
    public int MaxSessions { get; init; } = 16;

    /// <summary>Regions of one session. Default 1 024, 16 – 65 535 (each holds one loopback UDP port). Beyond it a region is reached directly.</summary>
    public int MaxRegionsPerSession { get; init; } = 1024;

    /// <summary>Bytes of a login, seed or event queue body that are read to be patched. Default 32 MiB (inventory skeletons), 1 – 256 MiB.</summary>
    public int MaxPatchedBodyBytes { get; init; } = 32 << 20;

    /// <summary>How long a region may take to tell its grid (SimulatorFeatures) before the fallback of DESIGN §3 holds. Default 10 s, 1 – 60 s.</summary>
    public TimeSpan GridIdTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Asset requests of the first moments in a region wait at most this long, counted from the seed's answer, for the region to tell
    /// its grid: else a full store would be no help on arrival. Two or three round trips are usual. Default 500 ms, 0 – 2 s.
    /// </summary>
    public TimeSpan GridIdHold { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Memory for images and transfers that are being pieced together from UDP packets or wait to be stored, all sessions, in bytes. Beyond it
    /// they pass uncaptured. Default 32 MiB, 1 MiB – 1 GiB.
    /// </summary>
    public long UdpCaptureBytes { get; init; } = 32L << 20;

    /// <summary>
    /// What has come by UDP in part, and has got no further packet for this long, is completed over HTTP or dropped. Default 60 s, 1 s – 10 min
    /// (PROTOCOL §5.5).
    /// </summary>
    public TimeSpan UdpCapturePatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Memory for stored assets that are read to be sent by UDP, all sessions, in bytes. Beyond it the grid is asked. Default 64 MiB (one largest
    /// mesh), 1 MiB – 4 GiB.
    /// </summary>
    public long InjectionBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Assets a minute that the cache grid is asked for because messages have named them, before a viewer asks. Default 240, 0 (never) – 6 000
    /// (PROTOCOL §6.3).
    /// </summary>
    public int PrefetchPerMinute { get; init; } = 240;

    /// <summary>
    /// A viewer's request over HTTP goes to the grid at most this much later where the cache grid usually has the answer sooner. Default 150 ms,
    /// 0 (never later) – 1 s (DESIGN §4.3). Over UDP it is never more than 25 ms.
    /// </summary>
    public TimeSpan CacheGridHold { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>
    /// What was received from a grid is claimed at the cache grid at a random moment within this time, at the earliest after a fifteenth of it, a
    /// texture, which may turn out to be baked, after two thirds. Default 15 min, 0 (at once; a grid of friends) – 24 h (SECURITY §7, PROTOCOL §7.4).
    /// </summary>
    public TimeSpan ClaimWithin { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// This share of the assets viewers get from the cache grid is fetched once more from their own grid afterwards, in the background, and compared.
    /// Default 0.01, 0 (never) – 0.1 (DESIGN §3, <c>POST /v1/disputes</c>).
    /// </summary>
    public double SpotCheckShare { get; init; } = 0.01;

    /// <summary>A grid's 404 is remembered for at most this long. Default 30 s, 0 – 30 s (PROTOCOL §3.5).</summary>
    public TimeSpan NegativeLifetime { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The ranges stated on <see cref="ClientLimits"/>; all broken ones are reported together.</summary>
public sealed class ClientLimitsValidator : AbstractValidator<ClientLimits>
{
    /// <summary>Builds the rules.</summary>
    public ClientLimitsValidator()
    {
        RuleFor(l => l.LocalReadDeadline).InclusiveBetween(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(60));
        RuleFor(l => l.CompleteTextureUpToBytes).InclusiveBetween(0, 16 << 20);
        RuleFor(l => l.CompleteMeshUpToBytes).InclusiveBetween(0, 64 << 20);
        RuleFor(l => l.CompletionConnections).InclusiveBetween(1, 4);
        RuleFor(l => l.ConnectionsPerHost).InclusiveBetween(1, 64);
        RuleFor(l => l.AssemblyBytes).InclusiveBetween(64L << 20, 4L << 30);
        RuleFor(l => l.AssemblyLifetime).InclusiveBetween(TimeSpan.FromSeconds(10), TimeSpan.FromHours(1));
        RuleFor(l => l.CompletionSettle).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromSeconds(60));
        RuleFor(l => l.AssetAnswerTimeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(600));
        RuleFor(l => l.AssetStallTimeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(600));
        RuleFor(l => l.EventQueueErrorHold).InclusiveBetween(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(25));
        RuleFor(l => l.EventQueueUnreachableHold).InclusiveBetween(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60));
        RuleFor(l => l.EventQueueRetry).InclusiveBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));
        RuleFor(l => l.EventQueuePollTimeout).InclusiveBetween(TimeSpan.FromSeconds(60), TimeSpan.FromMinutes(10));
        RuleFor(l => l.SessionIdle).InclusiveBetween(TimeSpan.FromSeconds(60), TimeSpan.FromHours(1));
        RuleFor(l => l.LogoutLinger).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        RuleFor(l => l.ResumeWithin).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromSeconds(60));
        RuleFor(l => l.MaxSessions).InclusiveBetween(1, 1000);
        RuleFor(l => l.MaxRegionsPerSession).InclusiveBetween(16, 65535);
        RuleFor(l => l.MaxPatchedBodyBytes).InclusiveBetween(1 << 20, 256 << 20);
        RuleFor(l => l.GridIdTimeout).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        RuleFor(l => l.GridIdHold).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromSeconds(2));
        RuleFor(l => l.UdpCaptureBytes).InclusiveBetween(1L << 20, 1L << 30);
        RuleFor(l => l.UdpCapturePatience).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        RuleFor(l => l.InjectionBytes).InclusiveBetween(1L << 20, 4L << 30);
        RuleFor(l => l.PrefetchPerMinute).InclusiveBetween(0, 6000);
        RuleFor(l => l.CacheGridHold).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromSeconds(1));
        RuleFor(l => l.SpotCheckShare).InclusiveBetween(0, 0.1);
        RuleFor(l => l.ClaimWithin).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromHours(24));
        RuleFor(l => l.NegativeLifetime).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromSeconds(30));
    }
}
