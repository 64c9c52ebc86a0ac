using System.Diagnostics;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Infra.Machine;

/// <summary>
/// A machine that runs: systemd as its first process, in namespaces of its own, with a stand-in of the instance metadata service at its address in AWS. Its clock and its
/// kernel are the host's, and it reaches nobody.
/// </summary>
internal sealed class Booted : IAsyncDisposable
{
    private readonly Process _outer;
    private readonly string _number;
    private readonly Stopwatch _since = Stopwatch.StartNew();

    private Booted(Process outer, string number) => (_outer, _number) = (outer, number);

    /// <summary>Since the first process began.</summary>
    public TimeSpan Age => _since.Elapsed;

    /// <summary>Starts it.</summary>
    /// <param name="layer">What it finds as its root.</param>
    /// <param name="userData">What it is told.</param>
    /// <param name="boot">Starts systemd in the layer, and says the number of the process first.</param>
    public static async Task<Booted> StartAsync(Layer layer, string userData, Func<string, Process> boot)
    {
        File.Copy(Path.Combine(Repository.Root, "tests", "Unit", "Infra", "Machine", "metadata.py"), layer.PathOf("metadata.py"));
        layer.Write("user-data", userData);
        layer.Write("etc/systemd/system/metadata.service", """
            [Service]
            ExecStartPre=/sbin/ip address add 169.254.169.254/32 dev lo
            ExecStart=/usr/bin/python3 /metadata.py /user-data
            """);
        File.CreateSymbolicLink(layer.PathOf("etc/systemd/system/multi-user.target.wants/metadata.service"), "/etc/systemd/system/metadata.service");
        Process outer = boot(layer.Root);
        if (await outer.StandardOutput.ReadLineAsync() is { } number) return new Booted(outer, number);
        string said = await outer.StandardError.ReadToEndAsync();
        outer.Dispose();
        Assert.Fail($"The machine does not start: {said}");
        throw new UnreachableException();
    }

    /// <summary>Runs a command in it.</summary>
    public Task<Said> RunAsync(params string[] command) => RunAsync(TimeSpan.FromMinutes(1), command);

    /// <summary>Asks until a command of the shell succeeds; with the journal's words where it does not in time.</summary>
    public async Task UntilAsync(string condition, TimeSpan? most = null)
    {
        TimeSpan end = Age + (most ?? TimeSpan.FromMinutes(2));
        while ((await RunAsync("sh", "-c", condition)).ExitCode != 0)
        {
            if (Age > end) Assert.Fail($"Not reached: {condition}\n{(await RunAsync("journalctl", "--no-pager", "--lines=60")).Text}");
            await Task.Delay(50);
        }
    }

    /// <summary>A unit's properties, by name.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ShowAsync(string unit, params string[] properties)
    {
        Said said = await RunAsync("systemctl", "show", unit, $"--property={string.Join(',', properties)}");
        return said.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=', 2)).ToDictionary(l => l[0], l => l[1]);
    }

    /// <summary>What a unit and its programs have written.</summary>
    public async Task<string> JournalAsync(string unit) => (await RunAsync("journalctl", "--no-pager", "--output=cat", $"--unit={unit}")).Text;

    public async ValueTask DisposeAsync()
    {
        // With the first process all others end, and with the last of them the mounts.
        using Process first = Process.GetProcessById(int.Parse(_number));
        first.Kill();
        await _outer.WaitForExitAsync();
        _outer.Dispose();
    }

    private Task<Said> RunAsync(TimeSpan most, params string[] command)
    {
        string[] arguments = ["--target", _number, "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--root", "--wd", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", .. command];
        return Said.OfAsync(Process.Start(new ProcessStartInfo("nsenter", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!, most);
    }
}
