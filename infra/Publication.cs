using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;

namespace GlobalCache.Infra;

/// <summary>
/// Makes the archive when there is none or a source is newer. The same sources give the same bytes on the same machine: files in order, without owners and times, so that
/// a preview which had to publish again, or a commit that changes nothing here, does not change the image.
/// </summary>
internal static class Publication
{
    private static readonly string[] s_sources = ["policy", "node", "master", "infra/image", "Directory.Build.props", "Directory.Packages.props"];

    // Programs and steps may be run; nothing in the image may be changed but by root.
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Runnable = Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Gives the archive for a processor.</summary>
    /// <param name="root">Of the repository.</param>
    /// <param name="architecture">Of <see cref="PricedType"/>.</param>
    /// <param name="say">Is told what takes long.</param>
    public static ImageArchive Archive(string root, string architecture, Action<string> say)
    {
        string folder = Path.Combine(root, "artifacts", "image"), archive = Path.Combine(folder, $"globalcache-{architecture}.tar.gz");
        DateTime newest = s_sources.Select(s => Path.Combine(root, s)).SelectMany(Sources).Max(File.GetLastWriteTimeUtc);
        if (File.Exists(archive) && File.GetLastWriteTimeUtc(archive) >= newest) return ImageArchive.Of(archive);

        say($"Publishing node and master for {architecture}.");
        string content = Path.Combine(folder, architecture);
        if (Directory.Exists(content)) Directory.Delete(content, recursive: true);
        foreach (string program in (string[])["node", "master"])
        {
            Run(root, "publish", Path.Combine(root, program), "--configuration", "Release", "--runtime", $"linux-{architecture}", "--self-contained", "true", "-p:PublishSingleFile=true",
                "-p:ServerGarbageCollection=false", "-p:IncludeSourceRevisionInInformationalVersion=false", "-p:DebugType=none", "--output", Path.Combine(content, program));
        }

        CopyFolder(Path.Combine(root, "infra", "image"), Path.Combine(content, "image"));
        Pack(content, archive);
        return ImageArchive.Of(archive);
    }

    /// <summary>Packs a folder as <c>/opt/globalcache</c>.</summary>
    public static void Pack(string folder, string archive)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(archive)!);
        string half = archive + ".half";
        using (FileStream file = File.Create(half))
        using (var zip = new GZipStream(file, CompressionLevel.Optimal))
        using (var tar = new TarWriter(zip, TarEntryFormat.Ustar))
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            {
                string name = Path.GetRelativePath(folder, path).Replace('\\', '/');
                using FileStream content = File.OpenRead(path);
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "opt/globalcache/" + name)
                {
                    Mode = IsProgram(name) ? Runnable : Readable,
                    ModificationTime = DateTimeOffset.UnixEpoch,
                    DataStream = content,
                });
            }
        }

        File.Delete(archive);
        File.Move(half, archive);
    }

    private static bool IsProgram(string name) => !Path.GetFileName(name).Contains('.', StringComparison.Ordinal) || name.EndsWith(".sh", StringComparison.Ordinal);

    private static IEnumerable<string> Sources(string path) => File.Exists(path) ? [path]
        : Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(f => !f.Contains("/bin/", StringComparison.Ordinal) && !f.Contains("/obj/", StringComparison.Ordinal));

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static void Run(string folder, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, UseShellExecute = false })!;
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new Pulumi.RunException($"dotnet {arguments[0]} {arguments[1]} failed:\n{said}");
    }
}
