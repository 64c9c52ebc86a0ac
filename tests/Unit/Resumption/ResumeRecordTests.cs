using System.Net;
using CsCheck;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Store;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Resumption;

public sealed class ResumeRecordTests
{
    private static readonly byte[] s_key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    [Fact]
    public void What_is_written_is_read_again()
    {
        ResumeRecord read = ResumeRecord.TryRead(Sample().ToBytes())!;
        Assert.Equal(Sample().ToBytes(), read.ToBytes());
        SessionRecord session = Assert.Single(read.Sessions);
        Assert.Equal(43_001, session.PortOf(new IPEndPoint(IPAddress.Parse("203.0.113.7"), 13_005)));
        Assert.Equal(0, session.PortOf(new IPEndPoint(IPAddress.Parse("203.0.113.7"), 13_006)));
        Assert.Equal("<llsd/>"u8.ToArray(), session.Caps[1].Kept!.Body);
    }

    [Fact]
    public void Another_versions_record_is_refused()
    {
        byte[] bytes = Sample().ToBytes();
        bytes[0]++;
        Assert.Null(ResumeRecord.TryRead(bytes));
        Assert.Null(ResumeRecord.TryRead([]));
    }

    [Fact]
    public void Whatever_bytes_come_nothing_is_thrown()
    {
        byte[] bytes = Sample().ToBytes();
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte, Gen.Int[0, bytes.Length]).Sample((at, value, length) =>
        {
            byte[] damaged = [.. bytes];
            damaged[at] = value;
            ResumeRecord.TryRead(damaged);
            return length == bytes.Length || ResumeRecord.TryRead(bytes.AsSpan(0, length)) is null;
        });
    }

    [Theory]
    [InlineData("\"Region\":0", "\"Region\":2")]
    [InlineData("\"Region\":0", "\"Region\":-1")]
    [InlineData("\"LocalPort\":43001", "\"LocalPort\":70000")]
    [InlineData("\"LocalPort\":43001", "\"LocalPort\":0")]
    [InlineData("\"Pages\":\"globalcache-", "\"Pages\":\"../balcache-")]
    [InlineData("203.0.113.7:13005", "nowhere")]
    [InlineData("\"Sessions\":[{", "\"More\":1,\"Sessions\":[{")]
    [InlineData("\"Name\":1", "\"Name\":77")]
    [InlineData("\"Token\":\"0", "\"Token\":\"/")]
    [InlineData("http://127.0.0.1:9000/s/1", "file:///etc/passwd")]
    public void What_no_session_could_have_had_is_refused(string sound, string not)
    {
        string text = System.Text.Encoding.UTF8.GetString(Sample().ToBytes().AsSpan(1));
        Assert.Contains(sound, text, StringComparison.Ordinal);
        int at = text.IndexOf(sound, StringComparison.Ordinal);
        byte[] changed = [ResumeRecord.Version, .. System.Text.Encoding.UTF8.GetBytes(text[..at] + not + text[(at + sound.Length)..])];
        Assert.Null(ResumeRecord.TryRead(changed));
    }

    [Fact]
    public void In_its_file_it_is_noise_that_only_its_owner_may_read_and_one_changed_bit_undoes_it()
    {
        using var folder = new TemporaryFolder();
        string path = ResumeFile.PathFor(folder.Path, "/a/store", new LocalKey(s_key));
        Assert.Equal(path, ResumeFile.PathFor(folder.Path, "/a/store/", new LocalKey(s_key)));
        Assert.NotEqual(path, ResumeFile.PathFor(folder.Path, "/b/store", new LocalKey(s_key)));
        Assert.NotEqual(path, ResumeFile.PathFor(folder.Path, "/a/store", new LocalKey(new byte[32])));
        var file = new ResumeFile(path, s_key);
        Assert.Null(file.Read());
        file.Write(Sample().ToBytes());
        Assert.Equal(Sample().ToBytes(), file.Read());
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));

        byte[] sealedBytes = File.ReadAllBytes(path);
        Assert.DoesNotContain("http", System.Text.Encoding.Latin1.GetString(sealedBytes), StringComparison.Ordinal);
        Assert.Null(new ResumeFile(path, new byte[32]).Read());
        foreach (int at in (int[])[0, 11, 12, sealedBytes.Length / 2, sealedBytes.Length - 1])
        {
            byte[] damaged = [.. sealedBytes];
            damaged[at] ^= 1;
            File.WriteAllBytes(path, damaged);
            Assert.Null(file.Read());
        }
        File.WriteAllBytes(path, sealedBytes[..20]);
        Assert.Null(file.Read());
        file.Delete();
        Assert.False(File.Exists(path));
        Assert.Throws<IOException>(() => file.Write(new byte[ResumeFile.MaxBytes]));
        Assert.False(File.Exists(path));
    }

    [Theory]
    [InlineData("one", 1000, true)]
    [InlineData("one", 1029.9, true)]
    [InlineData("one", 1030, false)]
    [InlineData("one", 1031, false)]
    [InlineData("one", 999, false)]
    [InlineData("another", 1001, false)]
    [InlineData(null, 0, false)]
    public void It_is_taken_up_within_thirty_seconds_of_the_last_sign_of_life_in_the_same_boot_and_never_else(string? boot, double up, bool taken)
    {
        using var folder = new TemporaryFolder();
        var file = new ResumeFile(Path.Combine(folder.Path, "r"), s_key);
        file.Write(Sample().ToBytes());
        new CircuitPages(folder.Path, Sample().Pages).Beat(TimeSpan.FromSeconds(1000));
        var place = new ResumePlace(file, folder.Path, () => boot is null ? null : new Moment(boot, TimeSpan.FromSeconds(up)));
        Assert.Equal(taken, place.Find(TimeSpan.FromSeconds(30)) is not null);
    }

    [Fact]
    public void Without_a_sign_of_life_it_is_not_taken_up()
    {
        using var folder = new TemporaryFolder();
        var file = new ResumeFile(Path.Combine(folder.Path, "r"), s_key);
        file.Write(Sample().ToBytes());
        var place = new ResumePlace(file, folder.Path, () => new Moment("one", TimeSpan.FromSeconds(1000)));
        Assert.Null(place.Find(TimeSpan.FromSeconds(30)));
        File.WriteAllBytes(Path.Combine(folder.Path, Sample().Pages), [1, 2, 3]);
        Assert.Null(place.Find(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void The_machine_tells_the_moment_and_it_goes_forward()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells");
        Moment first = Moment.OfMachine()!.Value, second = Moment.OfMachine()!.Value;
        Assert.True(second.Since(first) is { } age && age < TimeSpan.FromMinutes(1));
    }

    internal static ResumeRecord Sample() => new(
        "one", "globalcache-0123456789abcdef0123456789abcdef", "127.0.0.1:12080", "http://grid.example:8002/",
        [
            new SessionRecord(new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]), new Guid(9, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]), 77, "http://127.0.0.1:9000/s/1", 43_000, "203.0.113.7:13005",
            [
                new RegionRecord("203.0.113.7:13005", 43_001, "http://127.0.0.1:9000/s/1", "grid.example:8002", false),
                new RegionRecord("203.0.113.8:13005", 43_002, null, null, true),
            ],
            [
                new CapRecord("00000000000000000000000000000001", 0, CapName.Seed, "http://127.0.0.1:9000/s/1", true, null),
                new CapRecord("00000000000000000000000000000002", 0, CapName.EventQueueGet, "http://127.0.0.1:9000/e", true,
                    new KeptAnswer("id 7", [["Content-Type", "application/xml"]], "<llsd/>"u8.ToArray())),
            ]),
        ]);
}
