using System.Diagnostics;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>A headless Chromium with a fresh profile, ended by its own process tree.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private readonly Process running;
    private readonly string folder;

    private Chromium(Process process, string profile) => (running, folder) = (process, profile);

    /// <param name="url">The page to open.</param>
    /// <param name="resolver">Chromium's <c>--host-resolver-rules</c>: how a rebinding DNS server would answer.</param>
    public static Chromium Open(string url, string? resolver = null)
    {
        string program = Needs.Program("chromium", "apt-get install chromium");
        string profile = Directory.CreateTempSubdirectory("gc-chromium-").FullName;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        string[] flags =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", $"--user-data-dir={profile}", "--remote-debugging-port=0",
        ];
        foreach (string flag in flags) start.ArgumentList.Add(flag);
        if (resolver is not null) start.ArgumentList.Add($"--host-resolver-rules={resolver}");
        start.ArgumentList.Add(url);
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new Chromium(process, profile);
    }

    public async ValueTask DisposeAsync()
    {
        running.Kill(entireProcessTree: true);
        await running.WaitForExitAsync();
        running.Dispose();
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // A child may still be writing its last file; the folder is under the system's temporary one.
        }
    }
}
