using System.Globalization;
using System.Net;
using GlobalCache.Client.CacheGrid;

namespace GlobalCache.Client.Ways;

/// <summary>Puts one setting's text into the options; answers what is wrong with it, or null.</summary>
internal delegate string? ApplySetting(ref ClientOptions options, string text);

/// <summary>
/// Every option there is, once: the command line, its help and the configuration file are all made from this table, so that none
/// knows a name the others do not.
/// </summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Value">What the help calls its value; null for a switch.</param>
/// <param name="Help">One line.</param>
/// <param name="Apply">Reads the text.</param>
internal sealed record Setting(string Name, string? Value, string Help, ApplySetting Apply)
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("login-uri", "URL", "The grid's login page. Default: Second Life.", static (ref o, text) =>
            Web(text, out Uri? uri) ?? Set(ref o, o with { LoginUri = uri! })),
        new("port", "PORT", "The port viewers connect to; 0 takes a free one. Default: 12080; with run a free one.", static (ref o, text) =>
            ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
                ? Set(ref o, o with { Port = port }) : "must be a number from 0 to 65535"),
        new("listen", "ADDRESS", "The address viewers connect to. Default: 127.0.0.1.", static (ref o, text) =>
            IPAddress.TryParse(text, out IPAddress? address) ? Set(ref o, o with { Listen = address }) : "must be an IP address"),
        new("allow-remote", null, "Lets other machines in, for assets only: logins then do not pass.", static (ref o, text) =>
            Switch(text, out bool on) ?? Set(ref o, o with { AllowRemote = on })),
        new("store", "DIR", "The folder of the encrypted store.", static (ref o, text) =>
            text.Length == 0 ? "must name a folder" : Set(ref o, o with { Store = text })),
        new("store-size", "SIZE", "What the store may take on disk, such as 500MB. Default: 10GB.", static (ref o, text) =>
            TryBytes(text, out long bytes) ? Set(ref o, o with { StoreBytes = bytes }) : "must be a size such as 500MB or 10GB"),
        new("asset-only", null, "Serves assets alone, for a viewer started with VIEWERASSET.", static (ref o, text) =>
            Switch(text, out bool on) ?? Set(ref o, o with { AssetOnly = on })),
        new("asset-upstream", "URL", "Where the grid's assets come from. Default: Second Life's CDN on Second Life.", static (ref o, text) =>
            Web(text, out Uri? uri) ?? Set(ref o, o with { AssetUpstream = uri })),
        new("web-proxy", null, "Serves as the viewer's HTTP proxy.", static (ref o, text) =>
            Switch(text, out bool on) ?? Set(ref o, o with { WebProxy = on })),
        new("cdn-host", "NAME", "Serves under the name of the grid's asset host, which your hosts file points here.", static (ref o, text) =>
            Set(ref o, o with { CdnHost = text })),
        new("resolver", "ADDRESS", "The name server that knows where --cdn-host really is. Default: the system's.", static (ref o, text) =>
            IPEndPoint.TryParse(text, out IPEndPoint? server)
                ? Set(ref o, o with { Resolver = server.Port == 0 ? new IPEndPoint(server.Address, 53) : server }) : "must be an IP address, or one with a port"),
        new("ca", "FILE", "Private roots (PEM) of the grid, believed for its own hosts only: your viewer's ca-bundle.crt.", static (ref o, text) =>
            File.Exists(text) ? Set(ref o, o with { CaFile = text }) : "names no file"),
        new("grid-domain", "NAMES", "The grid's domains besides its login host's, with commas between.", static (ref o, text) =>
            Set(ref o, o with { GridDomains = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) })),
        new("verbose", null, "Tells more on standard error.", static (ref o, text) =>
            Switch(text, out bool on) ?? Set(ref o, o with { Verbose = on })),
        new("log-json", null, "Writes the log as JSON, an object a line, for programs.", static (ref o, text) =>
            Switch(text, out bool on) ?? Set(ref o, o with { LogJson = on })),
        new("grid", "FILE", "The cache grid to take part in: its grid.json.", static (ref o, text) =>
            GridFileReader.Read(text, out string wrong) is { } file ? Set(ref o, o with { Grid = file }) : wrong),
        new("share", "NAMES", "The virtual worlds whose assets you share through --grid, with commas between. No other is shared.", static (ref o, text) =>
            Set(ref o, o with { Share = text.ToLowerInvariant().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) })),
        new("acknowledge-sl-policy", null, "You have read Second Life's policy on third-party viewers, and answer for sharing its assets.", static (ref o, text) =>
            Switch(text, out bool on) ?? Set(ref o, o with { AcknowledgeSecondLife = on })),
        new("invite", "CODE", "Lets this client into --grid; needed once.", static (ref o, text) =>
            text.Length is > 0 and <= 512 ? Set(ref o, o with { Invite = text }) : "must be an invite"),
    ];

    private static string? Set(ref ClientOptions options, ClientOptions changed)
    {
        options = changed;
        return null;
    }

    private static string? Web(string text, out Uri? uri) =>
        Uri.TryCreate(text, UriKind.Absolute, out uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
            ? null : "must be a URL such as http://grid.example.org:8002/";

    private static string? Switch(string text, out bool on) => bool.TryParse(text, out on) ? null : "must be true or false";

    /// <summary>Decimal units as disks are sold, binary ones when said so.</summary>
    private static bool TryBytes(string text, out long bytes)
    {
        ReadOnlySpan<char> number = text.AsSpan().TrimEnd("kKmMgGtTiIbB").TrimEnd();
        ReadOnlySpan<char> unit = text.AsSpan(number.Length).Trim();
        bool binary = unit.EndsWith("iB", StringComparison.OrdinalIgnoreCase);
        if (unit.EndsWith("B", StringComparison.OrdinalIgnoreCase)) unit = unit[..^(binary ? 2 : 1)];
        int power = unit.Length == 0 ? 0 : unit.Length == 1 ? "KMGT".IndexOf(char.ToUpperInvariant(unit[0])) + 1 : -1;
        bytes = 0;
        if (power < 0 || !double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)) return false;
        if (unit.Length == 1 && power == 0) return false;
        value *= Math.Pow(binary ? 1024 : 1000, power);
        if (value is not (>= 0 and < 1e18)) return false;
        bytes = (long)value;
        return true;
    }
}
