using System.Diagnostics;
using System.Runtime.InteropServices;
using GlobalCache.Infra;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Infra.Machine;

/// <summary>The tests that share one machine; they run one after another, beside others.</summary>
[CollectionDefinition("image")]
public sealed class ImageTests : ICollectionFixture<ImageMachine>;

/// <summary>
/// What becomes of a machine by the image's recipe: a Debian root file system (made once, kept in <c>artifacts/machine</c> or where <c>GC_IMAGE_ROOT</c> says), the archive as
/// <c>pulumi up</c> packs it, and the recipe's own steps, run there. Each test writes into a layer of its own. All mounts and processes are in namespaces that
/// one process holds; they end with it, and it ends with this one, however that ends.
/// </summary>
public sealed class ImageMachine : IAsyncDisposable
{
    /// <summary>For what takes long on a busy machine: making the root, publishing.</summary>
    private static readonly TimeSpan s_most = TimeSpan.FromMinutes(8);

    private static readonly string s_script = Path.Combine(Repository.Root, "tests", "Unit", "Infra", "Machine", "machine.sh");

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-image-").FullName;
    private readonly Lazy<Task<Said>> _installed;
    private readonly ControlGroups _groups = new();
    private Process? _holder;
    private int _held;
    private int _layers;

    public ImageMachine() => _installed = new(InstallAsync);

    private static string Debian => Environment.GetEnvironmentVariable("GC_IMAGE_ROOT") ?? Path.Combine(Repository.Root, "artifacts", "machine", "debian");

    /// <summary>What the recipe's steps said. A step that the sandbox forbids ends the test that asked with its reason.</summary>
    internal Task<Said> InstalledAsync() => _installed.Value;

    /// <summary>A machine as the steps have left it, for one test to change.</summary>
    internal async Task<Layer> LayerAsync()
    {
        Said steps = await InstalledAsync();
        Assert.True(steps.ExitCode == 0, steps.Text);
        return await LayAsync($"{++_layers}", $"{_folder}/installed/upper:{Debian}");
    }

    /// <summary>Starts systemd in a layer, with user data for it to find.</summary>
    internal async Task<Booted> BootAsync(Layer layer, string userData)
    {
        Assert.SkipUnless(ControlGroups.Own is not null, "The sandbox has no control groups of the second version that may be written: systemd is not started.");
        await AllowedAsync("starting a machine in namespaces of its own", "mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t devpts -o newinstance devpts /dev/pts");
        string group = _groups.Name(Path.GetFileName(_folder));
        return await Booted.StartAsync(layer, userData, root => Within("sh", s_script, "boot", root, group));
    }

    public async ValueTask DisposeAsync()
    {
        if (_holder is not null)
        {
            _holder.StandardInput.Close();
            await _holder.WaitForExitAsync();
            _holder.Dispose();
            _groups.Delete();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task<Said> InstallAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The image's steps are for Linux.");
        foreach ((string program, string package) in ((string, string)[])[("debootstrap", "debootstrap"), ("unshare", "util-linux"), ("flock", "util-linux")])
            Needs.Program(program, $"the machine of these tests is made with it (Debian's {package})");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can make a root file system.");
        await AllowedAsync("mounting in a namespace of its own", "mount -t tmpfs tmpfs /mnt");

        // The mirror's part of the time and the compiler's pass together.
        Task<Said> debian = Said.OfAsync(Start("sh", s_script, "debian", Debian), s_most);
        string architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? PricedType.Arm64 : PricedType.X64;
        ImageArchive archive = await Task.Run(() => Publication.Archive(Repository.Root, architecture, _ => { }));
        Said made = await debian;
        Assert.True(made.ExitCode == 0, $"The Debian root could not be made: {made.Text}");

        _holder = Start("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", s_script, "hold", _folder);
        _held = int.Parse((await _holder.StandardOutput.ReadLineAsync())!);
        Layer layer = await LayAsync("installed", Debian);
        File.Copy(archive.Path, layer.PathOf("tmp/globalcache.tar.gz"));
        Said said = await layer.RunAsync("bash", "-c", Commands(Image.Steps("bucket", "key", archive.Sha256), "Install"));
        // Others are laid over what was written there.
        Said let = await Said.OfAsync(Within("umount", layer.Root), s_most);
        Assert.True(let.ExitCode == 0, let.Text);
        return said;
    }

    /// <summary>The commands of a step, as Image Builder hands them to bash.</summary>
    internal static string Commands(string steps, string step) =>
        string.Join('\n', steps.Split('\n').SkipWhile(l => l.Trim() != $"- name: {step}").SkipWhile(l => l.Trim() != "commands:").Skip(1)
            .Select(l => l.Trim()).TakeWhile(l => l.StartsWith("- ", StringComparison.Ordinal) && !l.StartsWith("- name:", StringComparison.Ordinal)).Select(l => l[2..]));

    /// <summary>Skips with the reason where something is forbidden, under CI too: that is not for a test to mend.</summary>
    internal static async Task AllowedAsync(string what, string attempt)
    {
        Said said = await Said.OfAsync(Start("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child", "sh", "-c", attempt), TimeSpan.FromSeconds(30));
        Assert.SkipUnless(said.ExitCode == 0, $"The sandbox forbids {what}: {said.Text.Trim()}");
    }

    private async Task<Layer> LayAsync(string name, string below)
    {
        string folder = $"{_folder}/{name}";
        Said said = await Said.OfAsync(Within("sh", s_script, "layer", folder, below), TimeSpan.FromSeconds(30));
        Assert.True(said.ExitCode == 0, said.Text);
        return new Layer($"{folder}/root", $"/proc/{_held}/root{folder}/root", command => Within(["sh", s_script, "enter", $"{folder}/root", .. command]));
    }

    private Process Within(params string[] command) => Start("nsenter", ["--target", $"{_held}", "--mount", "--pid", "--", .. command]);

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
}

/// <summary>A root file system over that of the image, gone with the process that holds it.</summary>
/// <param name="Root">Where it is mounted, for who is in its namespace.</param>
/// <param name="Seen">Where it is seen from here.</param>
/// <param name="Enter">Starts a command in it, without a network, a package manager or the sight of other processes.</param>
internal sealed record Layer(string Root, string Seen, Func<string[], Process> Enter)
{
    public string PathOf(string name) => Path.Combine(Seen, name);

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
    }

    public Task<Said> RunAsync(params string[] command) => Said.OfAsync(Enter(command), TimeSpan.FromMinutes(2));
}

/// <summary>How a command ended, and all that it wrote.</summary>
internal sealed record Said(int ExitCode, string Text)
{
    /// <summary>Waits for its end; fails where that takes longer than it may.</summary>
    public static async Task<Said> OfAsync(Process process, TimeSpan most)
    {
        using (process)
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            Task all = Task.WhenAll(output, errors, process.WaitForExitAsync());
            if (await Task.WhenAny(all, Task.Delay(most)) != all)
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail($"{string.Join(' ', process.StartInfo.ArgumentList)} did not end within {most}.");
            }

            return new Said(process.ExitCode, await output + await errors);
        }
    }
}
