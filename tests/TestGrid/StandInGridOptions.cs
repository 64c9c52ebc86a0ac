using System.Security.Cryptography;
using System.Text;

namespace GlobalCache.TestGrid;

/// <summary>What a stand-in grid is made of. Every default is what the recorded OpenSimulator did.</summary>
public sealed record StandInGridOptions
{
    /// <summary>The grid's name in get_grid_info and SimulatorFeatures.</summary>
    public string Name { get; init; } = "the stand-in grid";

    /// <summary>The grid's nick in get_grid_info and SimulatorFeatures.</summary>
    public string Nick { get; init; } = "standin";

    /// <summary>The host every URL and simulator address names; only loopback makes sense.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Port of login, capabilities and assets; 0 takes a free one.</summary>
    public int HttpPort { get; init; }

    /// <summary>The grid URL SimulatorFeatures tells; null: the login URI.</summary>
    public string? GridUrl { get; init; }

    /// <summary>Regions; people log in to the first. Those that touch are neighbours.</summary>
    public IReadOnlyList<RegionPlan> Regions { get; init; } =
        [new("RigOne", 1000, 1000), new("RigTwo", 1001, 1000), new("RigFar", 1020, 1020)];

    /// <summary>Who may log in.</summary>
    public IReadOnlyList<GridUser> Users { get; init; } = GridUser.Everybody;

    /// <summary>A slow line between the grid and everybody; null: loopback as it is.</summary>
    public LinkShape? Link { get; init; }

    /// <summary>Serve the recorded test assets (<c>tests/Vectors/assets</c>).</summary>
    public bool ServesRecordedAssets { get; init; } = true;

    /// <summary>An unknown texture asked for by UDP comes as the blank stand-in picture; false: as ImageNotInDatabase.</summary>
    public bool SendsStandInPicture { get; init; } = true;

    /// <summary>HTTP must come from the address of the agent's circuit, as OpenSimulator demands (403, and the agent is closed).</summary>
    public bool StrictAddresses { get; init; }

    /// <summary>An event poll without events ends in 502 after this long.</summary>
    public TimeSpan EventQueueTimeout { get; init; } = TimeSpan.FromSeconds(58);

    /// <summary>How many requests one HTTP connection is good for.</summary>
    public int RequestsPerConnection { get; init; } = 20;

    /// <summary>The clock of every wait.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>One region: its name, its place on the map in regions of 256 m, its UDP port (0: a free one).</summary>
public sealed record RegionPlan(string Name, uint X, uint Y, int UdpPort = 0);

/// <summary>How a login goes for a user, so that every kind can be tried (PROTOCOL §2.2–2.3).</summary>
public enum LoginManner
{
    /// <summary>In.</summary>
    Plain,

    /// <summary>Must first agree to the terms of service.</summary>
    TermsOfService,

    /// <summary>Must first read a critical message.</summary>
    Critical,

    /// <summary>Must give the one-time code 123456.</summary>
    OneTimeCode,

    /// <summary>Is sent on to a second URL first.</summary>
    Indeterminate,

    /// <summary>Is already logged in elsewhere.</summary>
    Presence,

    /// <summary>Needs another viewer.</summary>
    Update,
}

/// <summary>A user of the stand-in grid.</summary>
public sealed record GridUser(string First, string Last, string Password, LoginManner Manner = LoginManner.Plain)
{
    /// <summary>The one-time code of <see cref="LoginManner.OneTimeCode"/>.</summary>
    public const string OneTimeCode = "123456";

    /// <summary>Two plain users and one for each other manner; every password is <c>password</c>.</summary>
    public static IReadOnlyList<GridUser> Everybody { get; } =
    [
        new("Test", "User", "password"), new("Other", "User", "password"),
        new("Tos", "User", "password", LoginManner.TermsOfService), new("Critical", "User", "password", LoginManner.Critical),
        new("Mfa", "User", "password", LoginManner.OneTimeCode), new("Next", "User", "password", LoginManner.Indeterminate),
        new("Present", "User", "password", LoginManner.Presence), new("Old", "User", "password", LoginManner.Update),
    ];

    /// <summary>The same at every start.</summary>
    public Guid AgentId { get; } = IdOf($"{First} {Last}");

    internal static Guid IdOf(string name) => new(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16), bigEndian: true);

    /// <summary>The password as a viewer sends it: <c>$1$</c> and MD5 in hex, or plain.</summary>
    internal bool Knows(string sent) => sent == Password
#pragma warning disable CA5351 // The protocol's own password hash.
        || sent == "$1$" + Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(Password)));
#pragma warning restore CA5351
}

/// <summary>A line: bandwidth shared by everything in one direction, and a round trip of which each direction takes half.</summary>
public sealed record LinkShape(long DownBitsPerSecond, long UpBitsPerSecond, TimeSpan RoundTrip)
{
    /// <summary>Whether new and rested TCP connections begin slowly, as real ones do.</summary>
    public bool SlowStart { get; init; } = true;

    /// <summary>The line of the benchmarks: 20 Mbit/s each way, 80 ms.</summary>
    public static LinkShape Dsl { get; } = new(20_000_000, 20_000_000, TimeSpan.FromMilliseconds(80));
}
