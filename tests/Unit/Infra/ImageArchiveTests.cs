using System.Formats.Tar;
using System.IO.Compression;
using GlobalCache.Infra;

namespace GlobalCache.Tests.Infra;

/// <summary>One archive for the image: the same content gives the same bytes, and its version follows them.</summary>
public sealed class ImageArchiveTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-archive-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_same_content_gives_the_same_bytes_whenever_it_is_packed()
    {
        ImageArchive first = Pack("one", DateTime.UnixEpoch.AddYears(50)), second = Pack("two", DateTime.UnixEpoch.AddYears(51)), other = Pack("three", DateTime.UnixEpoch, program: "else");
        Assert.Equal(first.Sha256, second.Sha256);
        Assert.Equal(first.Version(0), second.Version(0));
        Assert.NotEqual(first.Sha256, other.Sha256);
        Assert.NotEqual(first.Version(0), other.Version(0));
        Assert.NotEqual(first.Version(0), first.Version(1));
        // What Image Builder takes: three numbers of at most 30 bits.
        Assert.All(first.Version(1_000_000).Split('.'), n => Assert.InRange(long.Parse(n), 0, (1 << 30) - 1));
    }

    [Fact]
    public void It_unpacks_below_opt_as_roots_with_programs_that_run()
    {
        ImageArchive archive = Pack("one", DateTime.UnixEpoch);
        using var tar = new TarReader(new GZipStream(File.OpenRead(archive.Path), CompressionMode.Decompress));
        var modes = new Dictionary<string, (UnixFileMode Mode, int Owner)>();
        while (tar.GetNextEntry() is { } entry) modes[entry.Name] = (entry.Mode, entry.Uid);
        Assert.Equal(["opt/globalcache/image/globalcache-node.service", "opt/globalcache/image/install.sh", "opt/globalcache/node/globalcache-node", "opt/globalcache/node/libe_sqlite3.so"], modes.Keys);
        Assert.All(modes.Values, m => Assert.True(m.Owner == 0 && !m.Mode.HasFlag(UnixFileMode.GroupWrite) && !m.Mode.HasFlag(UnixFileMode.OtherWrite)));
        Assert.True(modes["opt/globalcache/node/globalcache-node"].Mode.HasFlag(UnixFileMode.OtherExecute));
        Assert.True(modes["opt/globalcache/image/install.sh"].Mode.HasFlag(UnixFileMode.UserExecute));
        Assert.False(modes["opt/globalcache/image/globalcache-node.service"].Mode.HasFlag(UnixFileMode.UserExecute));
    }

    [Fact]
    public void The_build_compares_the_archive_before_it_unpacks_it()
    {
        string steps = Image.Steps("bucket", "image/key.tar.gz", "abc");
        int compared = steps.IndexOf("sha256sum --check --strict", StringComparison.Ordinal), unpacked = steps.IndexOf("tar --extract", StringComparison.Ordinal);
        Assert.True(compared > 0 && unpacked > compared);
        Assert.Contains("source: s3://bucket/image/key.tar.gz", steps, StringComparison.Ordinal);
        // AWS' limit on a component's data.
        Assert.True(steps.Length < 16_000);
        Assert.DoesNotMatch(@"\b(dnf|yum|apt|rpm|curl|wget|pip)\b", steps);
    }

    private ImageArchive Pack(string name, DateTime written, string program = "program")
    {
        string content = Path.Combine(_folder, name);
        foreach ((string file, string text) in ((string, string)[])[("node/globalcache-node", program), ("node/libe_sqlite3.so", "library"), ("image/install.sh", "steps"), ("image/globalcache-node.service", "unit")])
        {
            string path = Path.Combine(content, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
            File.SetLastWriteTimeUtc(path, written);
        }

        string archive = Path.Combine(_folder, name + ".tar.gz");
        Publication.Pack(content, archive);
        return ImageArchive.Of(archive);
    }
}
