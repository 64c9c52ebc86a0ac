using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.CacheGrid;

/// <summary>Reads <c>grid.json</c> as the user gave it, and judges it whole before anything is asked of the grid it describes.</summary>
internal static class GridFileReader
{
    /// <summary>No grid file is longer.</summary>
    public const int MaxBytes = 256 << 10;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 8 };

    /// <summary>Null: what is wrong, to be read behind the file's name.</summary>
    public static GridFile? Read(string path, out string wrong)
    {
        try
        {
            if (!File.Exists(path)) return No("names no file", out wrong);
            if (new FileInfo(path).Length > MaxBytes) return No("is too long for a grid file", out wrong);
            return Judge(File.ReadAllBytes(path), out wrong);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return No("cannot be read", out wrong);
        }
    }

    /// <summary>As <see cref="Read"/>, of what lies in memory.</summary>
    public static GridFile? Judge(byte[] bytes, out string wrong)
    {
        try
        {
            if (JsonSerializer.Deserialize<GridFile>(bytes, s_json) is not { } file) return No("is no grid file", out wrong);
            if (file is { Name: null } or { Host: null } or { Ca: null } or { ControlKey: null } or { Master: null } or { Grids: null } or { Nodes: null } or { NameServers: null } or { MasterAddress: null })
                return No("is no grid file: something in it is null", out wrong);
            if (new GridFileValidator().Validate(file) is { IsValid: false } judged) return No($"is no sound grid file: {judged.Errors[0].ErrorMessage.TrimEnd('.')}", out wrong);
            if (Uri.CheckHostName(file.Host) != UriHostNameType.Dns) return No($"gives {file.Host} as Host, which is no DNS name", out wrong);
            if (file.Nodes.FirstOrDefault(n => !TryAddress(n, file.Port, out _)) is { } node) return No($"names {node} among Nodes, which is no address with a port", out wrong);
            if (file.NameServers.FirstOrDefault(n => !TryHostAndPort(n, out _, out _)) is { } server) return No($"names {server} among NameServers, which is no host:port", out wrong);
            if (file.Nodes.Count == 0 && file.NameServers.Count == 0 && file.Host.EndsWith(".internal", StringComparison.OrdinalIgnoreCase))
                return No("names neither Nodes nor NameServers, so its nodes cannot be found", out wrong);
            using X509Certificate2 ca = Authority(file);
            if (!ca.Extensions.OfType<X509BasicConstraintsExtension>().Any(c => c.CertificateAuthority)) return No("gives a certificate as Ca that is no authority's", out wrong);
            wrong = "";
            return file;
        }
        catch (JsonException e)
        {
            return No(e.LineNumber is { } line ? $"is no grid file: line {line + 1} cannot be understood" : "is no grid file: a part is missing", out wrong);
        }
        catch (CryptographicException)
        {
            return No("gives a Ca that is no certificate", out wrong);
        }
    }

    /// <summary>The grid's authority; the caller's to dispose of.</summary>
    public static X509Certificate2 Authority(GridFile file) => X509Certificate2.CreateFromPem(file.Ca);

    /// <summary>A node's address as a grid file gives it: with a port, or with the grid's.</summary>
    public static bool TryAddress(string text, int port, out IPEndPoint address)
    {
        address = new IPEndPoint(IPAddress.None, 0);
        if (text is null || !IPEndPoint.TryParse(text, out IPEndPoint? read)) return false;
        address = read.Port == 0 ? new IPEndPoint(read.Address, port) : read;
        return true;
    }

    /// <summary>A name server as a grid file gives it.</summary>
    public static bool TryHostAndPort(string text, out string host, out int port)
    {
        (host, port) = ("", 0);
        if (text is null || !Uri.TryCreate($"dns://{text}", UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || uri.PathAndQuery.Length > 1) return false;
        (host, port) = (uri.IdnHost, uri.Port < 0 ? 53 : uri.Port);
        return port > 0;
    }

    private static GridFile? No(string reason, out string wrong)
    {
        wrong = reason;
        return null;
    }
}
