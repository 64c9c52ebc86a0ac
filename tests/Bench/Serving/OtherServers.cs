using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GlobalCache.Bench.Serving;

/// <summary>nginx and Varnish as Debian has them, over the same files, with what makes them fast and nothing that a node would have to do.</summary>
internal sealed class OtherServers : IAsyncDisposable
{
    private readonly List<PinnedProcess> _processes = [];

    private OtherServers()
    {
    }

    /// <summary>The contestants that could be started.</summary>
    public List<Contestant> Contestants { get; } = [];

    public static string Certificate(string folder) => Path.Combine(folder, "other.pem");

    public static string Key(string folder) => Path.Combine(folder, "other.key");

    /// <summary>Makes the certificate that all but the node serve with: of the same curve as the node's.</summary>
    public static void Prepare(string folder)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(30));
        File.WriteAllText(Certificate(folder), certificate.ExportCertificatePem());
        File.WriteAllText(Key(folder), key.ExportPkcs8PrivateKeyPem());
    }

    public static async Task<OtherServers> StartAsync(string folder)
    {
        var others = new OtherServers();
        if (!PinnedProcess.Has("nginx")) return others;
        int[] ports = FreePorts(4);
        string nginx = Path.Combine(folder, "nginx"), configuration = Path.Combine(nginx, "nginx.conf");
        Directory.CreateDirectory(nginx);
        await File.WriteAllTextAsync(configuration, Configuration(nginx, NodeServer.Files(folder), Certificate(folder), Key(folder), ports));
        PinnedProcess server = PinnedProcess.Start(PinnedProcess.ServersCore, "nginx", "-c", configuration, "-p", nginx, "-e", Path.Combine(nginx, "error.log"));
        others.Add(server, new("nginx static, clear", $"http://127.0.0.1:{ports[0]}", server), new("nginx static, TLS 1.3", $"https://127.0.0.1:{ports[1]}", server),
            new("nginx proxy_cache, clear", $"http://127.0.0.1:{ports[2]}", server));
        await ListensAsync(ports[0]);
        if (!PinnedProcess.Has("varnishd")) return others;
        string varnish = Path.Combine(folder, "varnish"), vcl = Path.Combine(folder, "cache.vcl");
        await File.WriteAllTextAsync(vcl, $$"""
            vcl 4.1;
            backend files { .host = "127.0.0.1"; .port = "{{ports[0]}}"; }
            sub vcl_recv { unset req.http.Authorization; return (hash); }
            sub vcl_backend_response { set beresp.ttl = 1d; }
            """);
        PinnedProcess cache = PinnedProcess.Start(PinnedProcess.ServersCore, "varnishd",
            "-j", "none", "-F", "-n", varnish, "-a", $"127.0.0.1:{ports[3]}", "-f", vcl, "-s", "malloc,1g", "-T", "none");
        others.Add(cache, new Contestant("Varnish, clear", $"http://127.0.0.1:{ports[3]}", cache));
        await ListensAsync(ports[3]);
        return others;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (PinnedProcess process in _processes) await process.DisposeAsync();
    }

    private void Add(PinnedProcess process, params Contestant[] contestants)
    {
        process.Drop();
        _processes.Add(process);
        Contestants.AddRange(contestants);
    }

    // tcp_nopush stands where files are sent; with proxy_cache it stalls.
    private static string Configuration(string own, string files, string certificate, string key, int[] ports) => $$"""
        {{(Environment.UserName == "root" ? "user root;" : "")}}
        worker_processes 1;
        daemon off;
        pid {{own}}/pid;
        events { worker_connections 1024; }
        http {
            access_log off;
            server_tokens off;
            default_type application/octet-stream;
            sendfile on;
            keepalive_requests 100000000;
            open_file_cache max=4000 inactive=1h;
            open_file_cache_valid 1h;
            client_body_temp_path {{own}}/body; proxy_temp_path {{own}}/proxy; fastcgi_temp_path {{own}}/fastcgi; uwsgi_temp_path {{own}}/uwsgi; scgi_temp_path {{own}}/scgi;
            proxy_cache_path {{own}}/cache keys_zone=all:10m max_size=2g inactive=1d;
            server { listen 127.0.0.1:{{ports[0]}}; root {{files}}; tcp_nopush on; }
            server {
                listen 127.0.0.1:{{ports[1]}} ssl; root {{files}}; tcp_nopush on;
                ssl_certificate {{certificate}}; ssl_certificate_key {{key}}; ssl_protocols TLSv1.3;
            }
            server {
                listen 127.0.0.1:{{ports[2]}};
                location / { proxy_pass http://127.0.0.1:{{ports[0]}}; proxy_cache all; proxy_cache_valid 200 1d; }
            }
        }
        """;

    private static int[] FreePorts(int count)
    {
        TcpListener[] held = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in held) listener.Start();
        int[] ports = [.. held.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        foreach (TcpListener listener in held) listener.Stop();
        return ports;
    }

    private static async Task ListensAsync(int port)
    {
        for (int i = 0; i < 100; i++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(50);
            }
        }
        throw new InvalidOperationException($"Nothing listens on port {port}.");
    }
}
