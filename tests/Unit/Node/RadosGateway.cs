using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using GlobalCache.Node.Stores;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Node;

/// <summary>A real S3 server, Ceph's RADOS Gateway, on loopback for as long as the tests of one class run.</summary>
public sealed class RadosGateway : IAsyncLifetime
{
    private const string Bucket = "assets";
    private static readonly BasicAWSCredentials s_credentials = new("AK", "SK");

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-rgw-").FullName;

    /// <summary>Why there is none; null while it runs.</summary>
    public string? Missing { get; private set; }

    internal Uri Endpoint { get; private set; } = null!;

    internal S3Store Store(Uri? through = null) => new(new S3Options(Bucket, "us-east-1", through ?? Endpoint, ChecksumsWhenSupported: false), s_credentials);

    public async ValueTask InitializeAsync()
    {
        Missing = Needs.Lacks("radosgw") ?? Needs.Lacks("ceph-mon");
        if (Missing is not null) return;
        int port = FreePair();
        Endpoint = new Uri($"http://127.0.0.1:{port}");
        await RunAsync("start", _folder, $"{port}");
        using var s3 = new AmazonS3Client(s_credentials, new AmazonS3Config
        {
            ServiceURL = Endpoint.AbsoluteUri,
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        });
        await s3.PutBucketAsync(Bucket);
    }

    public async ValueTask DisposeAsync()
    {
        if (Missing is null) await RunAsync("stop", _folder);
        Directory.Delete(_folder, recursive: true);
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
