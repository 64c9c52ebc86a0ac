using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GlobalCache.Client.Edge;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Edge;

public sealed class UpstreamTests : IDisposable
{
    private static readonly Uri s_login = new("https://login.grid.example/");

    private readonly TestAuthority _private = new("Grid Private CA");
    private readonly TestAuthority _foreign = new("Somebody Else's CA");

    public void Dispose()
    {
        _private.Dispose();
        _foreign.Dispose();
    }

    [Theory]
    [InlineData("simhost-1.grid.example", true)]
    [InlineData("simhost-1.grid.example", false)]
    [InlineData("login.grid.example", true)]
    public async Task T28_A_private_root_vouches_for_the_grids_own_hosts_with_either_kind_of_name(string host, bool alternativeName)
    {
        using X509Certificate2 certificate = _private.Issue(host, alternativeName);
        Assert.Equal(HttpStatusCode.OK, await GetAsync(host, certificate, [_private.Root]));
    }

    [Theory]
    [InlineData("simhost-1.other.example", true)]
    [InlineData("simhost-1.other.example", false)]
    [InlineData("grid.example.org", true)]
    [InlineData("notgrid.example", true)]
    public async Task T28_A_private_root_does_not_vouch_for_any_other_host(string host, bool alternativeName)
    {
        using X509Certificate2 certificate = _private.Issue(host, alternativeName);
        Assert.Null(await GetAsync(host, certificate, [_private.Root]));
    }

    [Fact]
    public async Task T28_An_expired_certificate_is_refused()
    {
        using X509Certificate2 certificate = _private.Issue("simhost-1.grid.example", expired: true);
        Assert.Null(await GetAsync("simhost-1.grid.example", certificate, [_private.Root]));
    }

    [Fact]
    public async Task T28_A_certificate_of_a_foreign_authority_is_refused()
    {
        using X509Certificate2 certificate = _foreign.Issue("simhost-1.grid.example");
        Assert.Null(await GetAsync("simhost-1.grid.example", certificate, [_private.Root]));
        Assert.Null(await GetAsync("simhost-1.grid.example", certificate, []));
    }

    [Fact]
    public async Task T28_A_certificate_for_another_name_or_another_use_is_refused()
    {
        using X509Certificate2 name = _private.Issue("simhost-2.grid.example");
        Assert.Null(await GetAsync("simhost-1.grid.example", name, [_private.Root]));
        using X509Certificate2 use = _private.Issue("simhost-1.grid.example", forServers: false);
        Assert.Null(await GetAsync("simhost-1.grid.example", use, [_private.Root]));
    }

    [Fact]
    public void T28_Without_a_subject_alternative_name_even_a_public_root_vouches_for_the_grids_hosts_only()
    {
        var trust = new GridTrust(new GridDomains(s_login, []), []);
        foreach ((string host, bool accepted) in ((string, bool)[])[("sim.grid.example", true), ("sim.other.example", false)])
        {
            using X509Certificate2 certificate = _foreign.Issue(host, alternativeName: false);
            using var chain = new X509Chain();
            // As though the system trusted the authority.
            Assert.Equal(accepted, trust.Accepts(host, certificate, chain, SslPolicyErrors.None));
        }
        using X509Certificate2 modern = _foreign.Issue("sim.other.example");
        using var built = new X509Chain();
        Assert.True(trust.Accepts("sim.other.example", modern, built, SslPolicyErrors.None));
        Assert.False(trust.Accepts("sim.other.example", modern, built, SslPolicyErrors.RemoteCertificateChainErrors));
        Assert.False(trust.Accepts("sim.third.example", modern, built, SslPolicyErrors.None));
    }

    [Fact]
    public async Task T28_Older_versions_than_tls_1_2_are_not_spoken()
    {
        using X509Certificate2 certificate = _private.Issue("sim.grid.example");
#pragma warning disable SYSLIB0039, CA5397 // the old version is the point
        Assert.Null(await GetAsync("sim.grid.example", certificate, [_private.Root], SslProtocols.Tls11));
#pragma warning restore SYSLIB0039, CA5397
    }

    [Theory]
    [InlineData("https://login.agni.lindenlab.com/cgi-bin/login.cgi", "simhost-0123.agni.secondlife.io", true)]
    [InlineData("https://login.agni.lindenlab.com/cgi-bin/login.cgi", "sim1.agni.lindenlab.com", true)]
    [InlineData("https://login.agni.lindenlab.com/cgi-bin/login.cgi", "evil-lindenlab.com", false)]
    [InlineData("http://grid.example.org:8002/", "sim.grid.example.org", true)]
    [InlineData("http://login.example.org/", "sim.example.org", true)]
    [InlineData("http://example.co.uk/", "other.co.uk", false)]
    [InlineData("http://example.org/", "other.org", false)]
    [InlineData("http://127.0.0.1:9000/", "127.0.0.1", true)]
    [InlineData("http://127.0.0.1:9000/", "127.0.0.2", false)]
    [InlineData("http://[::1]:9000/", "::1", true)]
    [InlineData("http://example.org/", "SIM.NAMED.EXAMPLE.", true)]
    public void A_grids_own_hosts_are_those_under_its_domain(string login, string host, bool own) =>
        Assert.Equal(own, new GridDomains(new Uri(login), ["named.example"]).Contains(host));

    [Fact]
    public void A_file_that_holds_no_certificate_is_named()
    {
        string file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        Assert.Null(GridTrust.ReadRoots(file, out string missing));
        Assert.Contains(file, missing, StringComparison.Ordinal);
        File.WriteAllText(file, "no certificate");
        Assert.Null(GridTrust.ReadRoots(file, out string empty));
        Assert.Contains("holds no PEM certificate", empty, StringComparison.Ordinal);
        File.WriteAllText(file, "# a bundle\n" + _private.Root.ExportCertificatePem() + "\n\n" + _foreign.Root.ExportCertificatePem());
        Assert.Equal(2, GridTrust.ReadRoots(file, out _)!.Count);
        File.Delete(file);
    }

    [Fact]
    public async Task Redirects_cookies_and_encodings_stay_the_viewers_business_and_nothing_is_added()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var login = new Uri($"http://{listener.LocalEndpoint}/");
        using var upstream = new Upstream(new GridTrust(new GridDomains(login, []), []), new ClientLimits());
        Task<string> seen = AnswerAsync(listener,
            "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n");
        using var request = new HttpRequestMessage(HttpMethod.Get, login);
        using HttpResponseMessage response = await upstream.Assets.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Equal("gzip", Assert.Single(response.Content.Headers.ContentEncoding));
        Assert.Equal($"GET / HTTP/1.1\r\nHost: {listener.LocalEndpoint}\r\n\r\n", await seen);
    }

    /// <summary>One GET of <c>https://host/</c> against a server on loopback with this certificate; null when TLS refused it.</summary>
    private static async Task<HttpStatusCode?> GetAsync(
        string host, X509Certificate2 certificate, X509Certificate2Collection roots, SslProtocols versions = SslProtocols.None)
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task server = Task.Run(async () =>
        {
            try
            {
                using TcpClient client = await listener.AcceptTcpClientAsync(ct);
                using var tls = new SslStream(client.GetStream());
                await tls.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = versions }, ct);
                if (await tls.ReadAsync(new byte[4096], ct) == 0) return;
                await tls.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), ct);
            }
            catch (Exception e) when (e is IOException or AuthenticationException)
            {
                // The client has refused us, as it should.
            }
        }, ct);
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        using var upstream = new Upstream(new GridTrust(new GridDomains(s_login, []), roots), new ClientLimits(),
            (_, _, cancel) => Upstream.DialAsync(new IPEndPoint(IPAddress.Loopback, port), cancel));
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{host}/");
            using HttpResponseMessage response = await upstream.Grid.SendAsync(request, ct);
            return response.StatusCode;
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
        {
            return null;
        }
        finally
        {
            await server;
        }
    }

    private static async Task<string> AnswerAsync(TcpListener listener, string answer)
    {
        using TcpClient client = await listener.AcceptTcpClientAsync();
        var buffer = new byte[4096];
        int read = await client.GetStream().ReadAsync(buffer);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(answer));
        return Encoding.Latin1.GetString(buffer, 0, read);
    }
}
