using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;

namespace GlobalCache.Demo.Founding;

/// <summary>A real caching resolver between clients and the grid's name server: unbound, on a port of its own.</summary>
internal sealed class CachingResolver : IAsyncDisposable
{
    private readonly Process _unbound;
    private readonly LookupClient _client;

    private CachingResolver(Process unbound, IPEndPoint at)
    {
        (_unbound, Endpoint) = (unbound, at);
        _client = new LookupClient(new LookupClientOptions(new NameServer(at)) { UseCache = false, Retries = 2, Timeout = TimeSpan.FromSeconds(2), AutoResolveNameServers = false });
    }

    public IPEndPoint Endpoint { get; }

    /// <summary>Whether this machine has one.</summary>
    public static string? Program => new[] { "/usr/sbin/unbound", "/usr/bin/unbound", "/usr/local/sbin/unbound" }.FirstOrDefault(File.Exists);

    /// <param name="zone">The name it is to ask about.</param>
    /// <param name="authority">Whom.</param>
    /// <param name="folder">Where it may write.</param>
    public static async Task<CachingResolver> StartAsync(string zone, IPEndPoint authority, string folder)
    {
        Directory.CreateDirectory(folder);
        IPEndPoint at = Free();
        string file = Path.Combine(folder, "unbound.conf");
        await File.WriteAllTextAsync(file, $"""
            server:
              directory: "{folder}"
              chroot: ""
              username: ""
              pidfile: "{folder}/unbound.pid"
              use-syslog: no
              num-threads: 1
              interface: {at.Address}@{at.Port}
              port: {at.Port}
              do-ip6: no
              access-control: 127.0.0.0/8 allow
              do-not-query-localhost: no
              module-config: "iterator"
              local-zone: "." refuse
              local-zone: "{zone}." transparent
            stub-zone:
              name: "{zone}"
              stub-addr: {authority.Address}@{authority.Port}
            """);
        string program = Program ?? throw new Win32Exception("unbound is not installed.");
        Process unbound = Process.Start(new ProcessStartInfo(program, ["-d", "-c", file]) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        unbound.ErrorDataReceived += (_, _) => { };
        unbound.OutputDataReceived += (_, _) => { };
        unbound.BeginErrorReadLine();
        unbound.BeginOutputReadLine();
        var resolver = new CachingResolver(unbound, at);
        for (int i = 0; i < 100 && (await resolver.AskAsync(zone)).Addresses.Count == 0; i++) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        return resolver;
    }

    /// <summary>What it says, and for how long that is good.</summary>
    public async Task<(IReadOnlyList<IPAddress> Addresses, TimeSpan Good)> AskAsync(string name)
    {
        try
        {
            ARecord[] records = [.. (await _client.QueryAsync(name, QueryType.A)).Answers.OfType<ARecord>()];
            return records.Length == 0 ? ([], TimeSpan.Zero) : ([.. records.Select(r => r.Address)], TimeSpan.FromSeconds(records.Min(r => r.InitialTimeToLive)));
        }
        catch (DnsResponseException)
        {
            return ([], TimeSpan.Zero);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _unbound.Kill();
        await _unbound.WaitForExitAsync();
        _unbound.Dispose();
    }

    private static IPEndPoint Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
