using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// <c>join INVITE</c>: from an invite alone to a client that belongs to a cache grid. The invite carries the fingerprint of the grid's authority, so
/// what describes the grid can be fetched from whoever answers, and is believed only where it came over a connection that authority vouches for (SECURITY §2).
/// </summary>
internal sealed class GridJoin(string configFolder, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_finding = TimeSpan.FromSeconds(5);

    /// <summary>Joins, and says how to start the client from now on.</summary>
    /// <param name="text">The invite.</param>
    /// <param name="given">A grid file the user has already; null: it is fetched.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="CannotStartException">What is wrong, in one sentence. The invite is then still good, unless the sentence says otherwise.</exception>
    public async Task<string> RunAsync(string text, string? given, CancellationToken ct)
    {
        if (!InviteText.TryParse(text, out InviteText? invite)) throw Wrong("this is no invite, or one that was copied in part: it looks like CODE.FINGERPRINT@HOST:PORT.");
        (GridFile file, string path) = given is not null ? (ReadGiven(given, invite), given) : await FetchAsync(invite, ct);
        using GridIdentity identity = GridIdentity.Load(configFolder, file.Host);
        bool belongs = identity.ClientId is not null;
        if (!belongs) await EnrolAsync(file, identity, invite, ct);
        string worlds = string.Join(',', file.Grids.Select(g => g.Id).Where(id => id != GridId.SecondLife));
        string share = worlds.Length > 0 ? worlds : file.Grids.Count > 0 ? $"{GridId.SecondLife} --acknowledge-sl-policy" : "NAMES";
        return $"""
            This client {(belongs ? "belongs to" : "now belongs to")} the cache grid "{file.Name}"{(belongs ? " already; the invite was not used" : "")}. Start it with the worlds you want to share:

              globalcache --grid {Quoted(path)} --share {share}
            """;
    }

    private static GridFile ReadGiven(string path, InviteText invite)
    {
        if (GridFileReader.Read(path, out string wrong) is not { } file) throw new CannotStartException($"--grid {path} {wrong}.");
        using X509Certificate2 ca = GridFileReader.Authority(file);
        return InviteText.FingerprintOf(ca) == invite.Fingerprint ? file : throw new CannotStartException($"--grid {path} is another cache grid's than the invite's: leave it out.");
    }

    private async Task<(GridFile File, string Path)> FetchAsync(InviteText invite, CancellationToken ct)
    {
        (byte[] bytes, X509Certificate2 shown) = await AskAsync(invite, ct);
        using X509Certificate2 leaf = shown;
        if (GridFileReader.Judge(bytes, out string wrong) is not { } file) throw Wrong($"what {invite.Master} gave as grid file {wrong}.");
        using X509Certificate2 ca = GridFileReader.Authority(file);
        if (InviteText.FingerprintOf(ca) != invite.Fingerprint)
            throw Wrong($"{invite.Master} is not the cache grid this invite is for: it may have been set up anew, or somebody stands between; ask for another invite.");
        if (Judge(leaf, ca, file) is { } distrust) throw Wrong($"{invite.Master} does not prove to be the cache grid this invite is for ({distrust}).");

        string path = Path.Combine(configFolder, $"grid-{file.Host.ToLowerInvariant()}.json");
        if (File.Exists(path) && (GridFileReader.Read(path, out _) is not { } there || there.Ca != file.Ca))
            throw Wrong($"{path} is there already and is not this cache grid's: move it away and join again.");
        try
        {
            // The folder of the keys: made by whoever comes first, for its owner alone.
            GridIdentity.Load(configFolder, file.Host).Dispose();
            AtomicFile.Write(path, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Wrong($"{path} cannot be written: set XDG_CONFIG_HOME to a folder of your own.");
        }
        return (file, path);
    }

    /// <summary>The description as it came, and the certificate of whoever sent it: nothing is believed yet, and nothing secret has been said.</summary>
    private static async Task<(byte[] Bytes, X509Certificate2 Shown)> AskAsync(InviteText invite, CancellationToken ct)
    {
        if (!Uri.TryCreate($"https://{invite.Master}{EnrolmentApi.GridFile}", UriKind.Absolute, out Uri? url) || url.Authority.Length == 0)
            throw Wrong("this is no invite: what stands behind the @ is no HOST:PORT.");
        X509Certificate2? shown = null;
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = 32,
            SslOptions =
            {
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => (shown = certificate is null ? null : X509CertificateLoader.LoadCertificate(certificate.GetRawCertData())) is not null,
            },
        };
        using var client = new HttpClient(handler) { Timeout = s_patience, MaxResponseContentBufferSize = GridFileReader.MaxBytes };
        try
        {
            using HttpResponseMessage answer = await client.GetAsync(url, ct);
            if (answer.StatusCode != HttpStatusCode.OK) throw Wrong($"{invite.Master} gives no grid file (status {(int)answer.StatusCode}): try again in a moment, or ask its operator for the file and say --grid FILE.");
            return (await answer.Content.ReadAsByteArrayAsync(ct), shown!);
        }
        catch (Exception e) when ((e is HttpRequestException or IOException or OperationCanceledException) && !ct.IsCancellationRequested)
        {
            shown?.Dispose();
            throw Wrong($"the cache grid at {invite.Master} cannot be reached ({HttpTrouble.Reason(e)}): is it running, and is the way to it open?");
        }
    }

    /// <summary>Null: the certificate is this grid's; else why not.</summary>
    private static string? Judge(X509Certificate2 leaf, X509Certificate2 ca, GridFile file)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1"));
        if (!chain.Build(leaf))
        {
            return chain.ChainStatus.Any(s => s.Status == X509ChainStatusFlags.NotTimeValid)
                ? "its certificate is not yet or no longer valid: is this machine's clock right?" : "its certificate is not of the invite's authority";
        }
        return leaf.MatchesHostname(file.Master.IdnHost) || leaf.MatchesHostname(file.Host) ? null : "its certificate bears another name";
    }

    private async Task EnrolAsync(GridFile file, GridIdentity identity, InviteText invite, CancellationToken ct)
    {
        using var connections = new NodeConnections(file);
        var nodes = new GridNodes(new Random());
        await using var addresses = new NodeAddresses(
            file, nodes, connections, new NodeNames(file, Reach.SystemAsync, log), NodeAddresses.LastFileOf(configFolder, file.Host), time, log);
        if (NodeConnections.IsMasterAtNodes(file))
        {
            using CancellationTokenSource late = new(s_finding, time);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, ct);
            try
            {
                await addresses.FoundAsync(stop.Token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                throw Wrong($"no node of {file.Host} can be found: neither its name servers nor this machine's resolver know it; try again later.");
            }
        }
        await using var session = new GridSession(identity, nodes, connections, time, new GridTroubles(time, log));
        await session.EnrolAsync(invite.Code, ct, by: "join");
    }

    private static string Quoted(string path) => path.Contains(' ', StringComparison.Ordinal) ? $"\"{path}\"" : path;

    private static CannotStartException Wrong(string sentence) => new($"join: {sentence}");
}
