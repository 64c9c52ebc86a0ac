using System.Text.RegularExpressions;

namespace GlobalCache.Bench;

/// <summary>The built client as a process of its own, with a fresh store and configuration that leave with it.</summary>
internal sealed partial class ClientProcess : IAsyncDisposable
{
    private readonly string files;

    private ClientProcess(ServerProcess server, string files, Uri uri) => (Server, this.files, Uri) = (server, files, uri);

    public ServerProcess Server { get; }

    /// <summary>Its login URI, or its asset URI when it was started with <c>--asset-only</c>.</summary>
    public Uri Uri { get; }

    public static async Task<ClientProcess> StartAsync(params string[] arguments)
    {
        string folder = Directory.CreateTempSubdirectory("globalcache-bench-").FullName;
        ServerProcess server = await ServerProcess.StartAsync(
            "globalcache.dll", ["--port", "0", "--store", Path.Combine(folder, "store"), .. arguments],
            line => TokenUrl().IsMatch(line), ("XDG_CONFIG_HOME", folder), ("XDG_DATA_HOME", folder), ("DOTNET_gcServer", "0"));
        return new ClientProcess(server, folder, new Uri(TokenUrl().Match(server.Ready).Value));
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(files, recursive: true);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+/(a/)?[0-9a-f]{32}/?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TokenUrl();
}
