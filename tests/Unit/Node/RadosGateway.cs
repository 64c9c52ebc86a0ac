using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using GlobalCache.Office.Stores;
using GlobalCache.Tests.Support;

[assembly: AssemblyFixture(typeof(GlobalCache.Tests.Node.RadosGateway))]

namespace GlobalCache.Tests.Node;

/// <summary>A real S3 server, Ceph's RADOS Gateway, on loopback: started for the first test that asks for it, ended after the last of all.</summary>
public sealed class RadosGateway : IAsyncDisposable
{
    private const string Bucket = "assets";
    private static readonly BasicAWSCredentials s_credentials = new("AK", "SK");

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-rgw-").FullName;
    private readonly Lazy<Task<Uri>> _started;

    public RadosGateway() => _started = new(StartAsync);

    /// <summary>Where it is.</summary>
    public async Task<Uri> EndpointAsync()
    {
        Needs.Program("radosgw", "it is the S3 server of these tests");
        Needs.Program("ceph-mon", "it is a part of the S3 server of these tests");
        return await _started.Value;
    }

    /// <summary>A store in its bucket.</summary>
    /// <param name="through">A proxy before it.</param>
    /// <param name="patience">Else the store's own.</param>
    /// <param name="change">Other options.</param>
    internal async Task<S3Store> StoreAsync(Uri? through = null, TimeSpan? patience = null, Func<S3Options, S3Options>? change = null)
    {
        var options = new S3Options(Bucket, "us-east-1", through ?? await EndpointAsync(), ChecksumsWhenSupported: false);
        return new S3Store(change is null ? options : change(options), s_credentials, patience);
    }

    public async ValueTask DisposeAsync()
    {
        if (_started.IsValueCreated) await RunAsync("stop", _folder);
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<Uri> StartAsync()
    {
        int port = FreePair();
        var endpoint = new Uri($"http://127.0.0.1:{port}");
        await RunAsync("start", _folder, $"{port}");
        using var s3 = new AmazonS3Client(s_credentials, new AmazonS3Config
        {
            ServiceURL = endpoint.AbsoluteUri,
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        });
        await s3.PutBucketAsync(Bucket);
        return endpoint;
    }

    private static async Task RunAsync(params string[] arguments)
    {
        string script = Path.Combine(Repository.Root, "tests", "Unit", "Node", "rgw.sh");
        using Process process = Process.Start(new ProcessStartInfo("bash", [script, .. arguments]) { UseShellExecute = false })!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"rgw.sh {arguments[0]} ended with {process.ExitCode}");
    }

    /// <summary>Two neighbouring ports: the gateway's and its monitor's.</summary>
    private static int FreePair()
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            int port = ((IPEndPoint)first.LocalEndpoint).Port;
            try
            {
                using var second = new TcpListener(IPAddress.Loopback, port + 1);
                second.Start();
                return port;
            }
            catch (SocketException)
            {
                // The neighbour is taken.
            }
        }
    }
}
