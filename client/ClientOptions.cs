using System.Net;
using System.Net.Sockets;
using FluentValidation;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client;

/// <summary>What the user decides, read once at the start: from the command line, else from the configuration file, else these defaults.</summary>
internal sealed record ClientOptions
{
    /// <summary>Second Life's CDN, which its regions name as their asset server (PROTOCOL §3.2).</summary>
    public static readonly Uri SecondLifeAssets = new("http://asset-cdn.glb.agni.lindenlab.com/");

    /// <summary>The grid's login page.</summary>
    public Uri LoginUri { get; init; } = new("https://login.agni.lindenlab.com/cgi-bin/login.cgi");

    /// <summary>Where viewers connect to. Anything but loopback needs <see cref="AllowRemote"/>.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 takes a free one; null: 12080, or with <c>run</c> a free one.</summary>
    public int? Port { get; init; }

    /// <summary>The folder of the encrypted store.</summary>
    public string Store { get; init; } = Path.Combine(UserFolder(Environment.SpecialFolder.LocalApplicationData), "store");

    /// <summary>Bytes the store may take on disk.</summary>
    public long StoreBytes { get; init; } = 10_000_000_000;

    /// <summary>Asset-only: where its requests go. Its host's plain HTTP is served from the store in web-proxy mode too.</summary>
    public Uri? AssetUpstream { get; init; }

    /// <summary>No login proxy.</summary>
    public bool AssetOnly { get; init; }

    /// <summary>Answers as the viewer's HTTP proxy.</summary>
    public bool WebProxy { get; init; }

    /// <summary>Answers under this host name, whose true address is asked of <see cref="Resolver"/>.</summary>
    public string? CdnHost { get; init; }

    /// <summary>The name server for <see cref="CdnHost"/>; null: the system's own name servers, without its hosts file.</summary>
    public IPEndPoint? Resolver { get; init; }

    /// <summary>A bundle of private roots, believed for the grid's own hosts only.</summary>
    public string? CaFile { get; init; }

    /// <summary>Domains of the grid besides its login host's.</summary>
    public IReadOnlyList<string> GridDomains { get; init; } = [];

    /// <summary>The cache grid; null: none.</summary>
    public GridFile? Grid { get; init; }

    /// <summary>The virtual worlds whose assets are shared through <see cref="Grid"/>, by their ids; every one is named by the user.</summary>
    public IReadOnlyList<string> Share { get; init; } = [];

    /// <summary>The user has read Second Life's policy on third-party viewers and answers for sharing its assets (PROTOCOL §9).</summary>
    public bool AcknowledgeSecondLife { get; init; }

    /// <summary>Lets this client into <see cref="Grid"/>, once.</summary>
    public string? Invite { get; init; }

    /// <summary>Lets other machines in; the login proxy is then off.</summary>
    public bool AllowRemote { get; init; }

    /// <summary>Where the keys and the install token lie.</summary>
    public string ConfigFolder { get; init; } = UserFolder(
        OperatingSystem.IsWindows() ? Environment.SpecialFolder.LocalApplicationData : Environment.SpecialFolder.ApplicationData);

    /// <summary>Logs what goes well too.</summary>
    public bool Verbose { get; init; }

    /// <summary>Logs an object a line, for programs.</summary>
    public bool LogJson { get; init; }

    /// <summary>Bounds and waits.</summary>
    public ClientLimits Limits { get; init; } = new();

    /// <summary>Whether logins pass through us.</summary>
    public bool LoginProxy => !AssetOnly && !AllowRemote;

    /// <summary>Whether the grid is Second Life's main grid.</summary>
    public bool SecondLife => GridId.TryFromUrl(LoginUri.AbsoluteUri, out string id) && id == GridId.SecondLife;

    /// <summary>Where assets come from when no region says so; null when nobody told.</summary>
    public Uri? Assets => AssetUpstream ?? (SecondLife ? SecondLifeAssets : null);

    /// <summary>
    /// The grid those assets belong to. Who names an asset server but leaves the login page at Second Life's does not mean
    /// Second Life's assets: another grid's must never be kept under its name.
    /// </summary>
    public string AssetGridId =>
        AssetUpstream is { } upstream && SecondLife && !upstream.IdnHost.EndsWith(".lindenlab.com", StringComparison.OrdinalIgnoreCase)
            ? IdOf(upstream) : IdOf(LoginUri);

    private static string IdOf(Uri url) => GridId.TryFromUrl(url.AbsoluteUri, out string id) ? id : url.Authority;

    private static string UserFolder(Environment.SpecialFolder folder) =>
        Path.Combine(Environment.GetFolderPath(folder, Environment.SpecialFolderOption.DoNotVerify), "globalcache");
}

/// <summary>What does not go together, each said in one line with the way to mend it.</summary>
internal sealed class ClientOptionsValidator : AbstractValidator<ClientOptions>
{
    public const long SmallestStore = 100_000_000;

    public ClientOptionsValidator()
    {
        RuleFor(o => o.Listen).Must((o, listen) => IPAddress.IsLoopback(listen) || o.AllowRemote)
            .WithMessage(o => $"--listen {o.Listen} would let other machines in: say --allow-remote if you mean it (logins then do not pass), or leave it out.");
        RuleFor(o => o.WebProxy).Must((o, on) => !on || IPAddress.IsLoopback(o.Listen))
            .WithMessage("--web-proxy on an address other machines can reach would be an open proxy: listen on 127.0.0.1.");
        RuleFor(o => o.Listen).Must(listen => listen.AddressFamily == AddressFamily.InterNetwork || !IPAddress.IsLoopback(listen))
            .WithMessage("--listen must be an IPv4 address for viewers on this machine: viewers' circuits are IPv4.");
        RuleFor(o => o.StoreBytes).GreaterThanOrEqualTo(SmallestStore)
            .WithMessage("--store-size must be 100MB or more.");
        RuleFor(o => o.AssetOnly).Must((o, on) => !on || o.Assets is not null)
            .WithMessage("--asset-only needs --asset-upstream URL for this grid: the address its regions give as ViewerAsset.");
        RuleFor(o => o.AllowRemote).Must((o, on) => !on || o.Assets is not null)
            .WithMessage("--allow-remote serves assets only and needs --asset-upstream URL for this grid.");
        RuleFor(o => o.CdnHost).Must(host => host is null || Uri.CheckHostName(host) == UriHostNameType.Dns)
            .WithMessage(o => $"--cdn-host {o.CdnHost} is no host name: give the name in the grid's asset URLs, such as {ClientOptions.SecondLifeAssets.Host}.");
        RuleFor(o => o.Share).Must((o, share) => o.Grid is null || share.Count > 0)
            .WithMessage(o => $"--grid needs --share NAMES: the virtual worlds you want to share, of those the grid file names ({Worlds(o)}).");
        RuleFor(o => o.Share).Must((o, share) => share.Count == 0 || o.Grid is not null)
            .WithMessage("--share needs --grid FILE: without a cache grid there is nobody to share with.");
        RuleFor(o => o.Invite).Must((o, invite) => invite is null || o.Grid is not null)
            .WithMessage("--invite needs --grid FILE: the file that came with the invite.");
        RuleForEach(o => o.Share).Must((o, id) => o.Grid is null || o.Grid.Grids.Any(g => g.Id == id))
            .WithMessage((o, id) => $"--share {id} is not shared by this cache grid, which shares: {Worlds(o)}.");
        RuleForEach(o => o.Share).Must((o, id) => id != GridId.SecondLife || o.AcknowledgeSecondLife || o.Grid?.Grids.Any(g => g.Id == id) != true)
            .WithMessage($"--share {GridId.SecondLife} moves assets from one resident's machine to another's, which clause 2.b of Second Life's Policy on Third-Party "
                + "Viewers can be read to forbid as exporting content: read that policy, share within one household or organisation or with Linden Lab's written "
                + "consent only, and then say --acknowledge-sl-policy.");
        RuleFor(o => o.Store).Must(folder => Folders.Usable(folder))
            .WithMessage(o => $"--store {o.Store} cannot be written to: choose a folder of your own.");
        RuleFor(o => o.ConfigFolder).Must(folder => Folders.Usable(folder))
            .WithMessage(o => $"The folder for keys, {o.ConfigFolder}, cannot be written to: set XDG_CONFIG_HOME to a folder of your own.");
        RuleFor(o => o.Limits).SetValidator(new ClientLimitsValidator());
    }

    private static string Worlds(ClientOptions options) =>
        options.Grid is { Grids.Count: > 0 } grid ? string.Join(", ", grid.Grids.Select(g => g.Id)) : "none";
}

/// <summary>Tells whether a folder can be written to without leaving anything behind.</summary>
internal static class Folders
{
    public static bool Usable(string folder)
    {
        try
        {
            // What does not exist yet is made in the nearest folder that does.
            string? at = Path.GetFullPath(folder);
            while (!Directory.Exists(at))
            {
                if (File.Exists(at)) return false;
                at = Path.GetDirectoryName(at);
                if (at is null) return false;
            }
            string probe = Path.Combine(at, $".globalcache-{Environment.ProcessId:x}-{Environment.TickCount64:x}");
            new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
