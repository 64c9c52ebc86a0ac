namespace GlobalCache.TestGrid.Viewer;

/// <summary>Who logs in, and how he fetches.</summary>
public sealed record SimulatedViewerOptions
{
    /// <summary>First name.</summary>
    public string First { get; init; } = "Test";

    /// <summary>Last name.</summary>
    public string Last { get; init; } = "User";

    /// <summary>Password; sent as the MD5 viewers send.</summary>
    public string Password { get; init; } = "password";

    /// <summary>Where to begin: <c>last</c>, <c>home</c> or <c>uri:Region&amp;128&amp;128&amp;30</c>.</summary>
    public string Start { get; init; } = "last";

    /// <summary>One-time code.</summary>
    public string Token { get; init; } = "";

    /// <summary>Ticks every box.</summary>
    public bool AgreesToEverything { get; init; }

    /// <summary>Set: used in place of every ViewerAsset capability, as the viewers' VIEWERASSET variable is.</summary>
    public Uri? ViewerAsset { get; init; }

    /// <summary>Set: asset requests go through this HTTP proxy, as with the viewers' preference.</summary>
    public Uri? WebProxy { get; init; }

    /// <summary>False: never asks for capabilities, as old viewers and some bots; there is no HTTP and no event queue then.</summary>
    public bool AsksSeeds { get; init; } = true;

    /// <summary>Connections for textures (8 in viewers).</summary>
    public int TextureConnections { get; init; } = 8;

    /// <summary>Connections for meshes (8 in viewers).</summary>
    public int MeshConnections { get; init; } = 8;

    /// <summary>Connections for sounds, animations and the rest (12 in Firestorm).</summary>
    public int AssetConnections { get; init; } = 12;

    /// <summary>Discard levels a texture is fetched towards, one request after the other; 0 is everything.</summary>
    public IReadOnlyList<int> DiscardSteps { get; init; } = [4, 2, 0];

    /// <summary>Retries of 5xx answers and broken connections.</summary>
    public int Retries { get; init; } = 5;

    /// <summary>Pause before the first retry; doubles. A Retry-After of 1 to 29 s is honoured instead.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Asked for every datagram, either way: whether it is lost between the viewer and whoever it speaks with.</summary>
    public Func<bool> LosesDatagram { get; init; } = static () => false;

    /// <summary>
    /// A broken event poll is asked again after a second, as LibreMetaverse and node-metaverse do; false: it ends polling for good, as in Linden viewers and Firestorm
    /// (PROTOCOL §4.1).
    /// </summary>
    public bool PollsAgain { get; init; }

    /// <summary>The clock of every wait.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
