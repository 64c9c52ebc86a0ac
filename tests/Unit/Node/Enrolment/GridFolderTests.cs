using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Office.Enrolment;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Node.Enrolment;

/// <summary>A grid of one's own under a folder: made once, found again, refused when damaged.</summary>
public sealed class GridFolderTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly GridFacts Facts = new() { Name = "Friends", Port = 12443, Nodes = ["127.0.0.1"], Grids = [new SharedGrid { Id = "grid.example" }] };

    private readonly string _root = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    private string Data => Path.Combine(_root, "data");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void The_first_start_makes_a_grid_and_the_next_finds_the_same()
    {
        GridFolder first = GridFolder.OpenOrCreate(Data, Facts, Now);
        string[] files = [.. Directory.GetFiles(Data, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        Assert.Equal([GridFolder.GridJson(Data), GridFolder.KeyFile(Data)], files);
        byte[][] written = [.. files.Select(File.ReadAllBytes)];
        foreach (GridFolder again in new[] { GridFolder.OpenOrCreate(Data, Facts, Now.AddDays(30)), GridFolder.Open(Data) })
        {
            Assert.Equal(first.Keys.Name, again.Keys.Name);
            Assert.Equal(first.Keys.Seal[1], again.Keys.Seal[1]);
            Assert.Equal(first.Keys.Claim, again.Keys.Claim);
            Assert.Equal(first.Keys.Challenge, again.Keys.Challenge);
            Assert.Equal(first.Authority.RawData, again.Authority.RawData);
            Assert.Equal(first.File.Ca, again.File.Ca);
            Assert.Equal(first.File.Master, again.File.Master);
            using ECDsa a = first.ControlKey(), b = again.ControlKey();
            Assert.Equal(a.ExportPkcs8PrivateKey(), b.ExportPkcs8PrivateKey());
        }
        Assert.Equal(written, files.Select(File.ReadAllBytes));
    }

    [Fact]
    public void Folder_and_files_are_their_owners_alone()
    {
        if (OperatingSystem.IsWindows()) return;
        GridFolder.OpenOrCreate(Data, Facts, Now);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Data));
        foreach (string file in Directory.GetFiles(Data)) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        File.SetUnixFileMode(GridFolder.KeyFile(Data), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_facts_change_the_description_and_nothing_else()
    {
        GridFolder first = GridFolder.OpenOrCreate(Data, Facts, Now);
        byte[] keys = File.ReadAllBytes(GridFolder.KeyFile(Data));
        GridFolder moved = GridFolder.OpenOrCreate(Data, Facts with { Port = 443, Name = "Others" }, Now);
        Assert.Equal(443, moved.File.Port);
        Assert.Equal(443, GridFolder.Open(Data).File.Port);
        Assert.Equal(first.File.Ca, moved.File.Ca);
        Assert.Equal(keys, File.ReadAllBytes(GridFolder.KeyFile(Data)));
        Assert.Contains("for good", Assert.Throws<GridUnusableException>(() => GridFolder.OpenOrCreate(Data, Facts with { Host = "nodes.example" }, Now)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void No_secret_stands_in_the_description()
    {
        GridFolder grid = GridFolder.OpenOrCreate(Data, Facts, Now);
        string json = File.ReadAllText(GridFolder.GridJson(Data));
        Assert.DoesNotContain("PRIVATE", json, StringComparison.OrdinalIgnoreCase);
        using ECDsa control = grid.ControlKey();
        foreach (byte[] secret in new[] { grid.Keys.Name, grid.Keys.Seal[1], grid.Keys.Claim, grid.Keys.Challenge, control.ExportParameters(true).D! })
        {
            Assert.DoesNotContain(Convert.ToBase64String(secret), json, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToHexString(secret), json, StringComparison.OrdinalIgnoreCase);
        }
        // Every secret of the key file, whatever it is called.
        foreach (string line in File.ReadAllLines(GridFolder.KeyFile(Data)).Where(l => l.Contains(' ', StringComparison.Ordinal) && !l.StartsWith("authority ", StringComparison.Ordinal) && !l.StartsWith("host ", StringComparison.Ordinal)))
            Assert.DoesNotContain(line.Split(' ')[1], json, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(grid.Keys.Name), grid.Keys.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_damage_to_the_keys_is_one_clear_sentence()
    {
        GridFolder.OpenOrCreate(Data, Facts, Now);
        string path = GridFolder.KeyFile(Data);
        byte[] good = File.ReadAllBytes(path);
        void Refused(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            Assert.Contains("damaged", Refusal(), StringComparison.Ordinal);
        }
        Refused([]);
        Refused(new byte[100_000]);
        Refused(good[..^1]);
        Refused([.. good, (byte)'\n']);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] flipped = [.. good];
            flipped[at] ^= (byte)(1 << at % 8);
            Refused(flipped);
        }
        File.WriteAllBytes(path, good);
        GridFolder.OpenOrCreate(Data, Facts, Now);
    }

    [Fact]
    public void What_belongs_to_another_grid_or_to_none_is_refused()
    {
        GridFolder.OpenOrCreate(Data, Facts, Now);
        string other = Path.Combine(_root, "other"), json = GridFolder.GridJson(Data), keys = GridFolder.KeyFile(Data);
        GridFolder.OpenOrCreate(other, Facts, Now);
        string own = File.ReadAllText(json);

        File.Copy(GridFolder.GridJson(other), json, overwrite: true);
        Assert.Contains("another grid's", Refusal(), StringComparison.Ordinal);
        File.WriteAllText(json, own[..^20]);
        Assert.Contains("damaged", Refusal(), StringComparison.Ordinal);
        File.WriteAllText(json, "null");
        Assert.Contains("damaged", Refusal(), StringComparison.Ordinal);
        File.WriteAllText(json, own);
        File.Move(keys, keys + ".away");
        Assert.Contains("put the keys back", Refusal(), StringComparison.Ordinal);
        Assert.False(File.Exists(keys));
        Assert.Throws<GridUnusableException>(() => GridFolder.Open(Data));
        File.Move(keys + ".away", keys);

        // Without the description nothing is lost: it is written anew.
        File.Delete(json);
        GridFolder.OpenOrCreate(Data, Facts, Now);
        Assert.Equal(own, File.ReadAllText(json));
    }

    [Fact]
    public void A_name_or_a_place_that_cannot_be_is_refused_before_anything_is_written()
    {
        foreach (GridFacts wrong in new[] { Facts with { Host = "two words" }, Facts with { Host = "127.0.0.1" }, Facts with { Port = 0 }, Facts with { Name = "" } })
        {
            Assert.DoesNotContain('\n', Assert.Throws<GridUnusableException>(() => GridFolder.OpenOrCreate(Data, wrong, Now)).Message);
            Assert.Empty(Directory.GetFiles(Data));
        }
        string file = Path.Combine(_root, "file");
        File.WriteAllText(file, "");
        Assert.Throws<GridUnusableException>(() => GridFolder.OpenOrCreate(file, Facts, Now));
    }

    [Fact]
    public async Task Nodes_that_start_at_once_end_up_with_one_grid()
    {
        for (int round = 0; round < 10; round++)
        {
            string data = Path.Combine(_root, $"{round}");
            byte[]?[] names = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                try
                {
                    return GridFolder.OpenOrCreate(data, Facts, Now).Keys.Name;
                }
                catch (GridUnusableException)
                {
                    return null;                    // told to start again: fine; another grid would not be
                }
            })));
            byte[] name = GridFolder.OpenOrCreate(data, Facts, Now).Keys.Name;
            Assert.NotEmpty(names.OfType<byte[]>());
            Assert.All(names.OfType<byte[]>(), n => Assert.Equal(name, n));
        }
    }

    [Fact]
    public void What_a_killed_start_left_behind_does_not_matter()
    {
        Directory.CreateDirectory(Data);
        File.WriteAllText(GridFolder.KeyFile(Data) + ".new", new string('x', 50_000));
        GridFolder.OpenOrCreate(Data, Facts, Now);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(GridFolder.KeyFile(Data)));
        GridFolder.Open(Data);
    }

    [Fact]
    public void A_nodes_certificate_is_good_for_two_days_and_is_followed_at_half_of_them()
    {
        GridFolder grid = GridFolder.OpenOrCreate(Data, Facts, Now);
        X509Certificate2 certificate = grid.NodeCertificate(Now);
        Assert.Equal(Now.AddHours(48).UtcDateTime, certificate.NotAfter.ToUniversalTime());
        Assert.Equal(Now.AddHours(-24).UtcDateTime, certificate.NotBefore.ToUniversalTime());
        Assert.True(certificate.MatchesHostname(grid.File.Host, allowWildcards: false, allowCommonName: false));
        Assert.True(certificate.HasPrivateKey);
        Assert.Same(certificate, grid.NodeCertificate(Now.AddHours(23)));
        X509Certificate2 next = grid.NodeCertificate(Now.AddHours(24));
        Assert.NotEqual(certificate.SerialNumber, next.SerialNumber);
        Assert.Equal(X509ChainStatusFlags.NoError, Chain(grid.Authority, next, Now.AddHours(60)));
        Assert.Equal(Now.AddYears(10).UtcDateTime, grid.Authority.NotAfter.ToUniversalTime());
        Assert.Equal(0, grid.Authority.Extensions.OfType<X509BasicConstraintsExtension>().Single().PathLengthConstraint);
        Assert.True(grid.Authority.Extensions.Single(e => e.Oid!.Value == "2.5.29.30").Critical);
    }

    [Theory]
    [InlineData("login.agni.lindenlab.com")]
    [InlineData("example.org")]
    [InlineData("xnodes.globalcache.internal")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void The_authority_is_good_for_no_other_name(string name)
    {
        GridFolder grid = GridFolder.OpenOrCreate(Data, Facts with { Host = "nodes.globalcache.internal" }, Now);
        Assert.Equal(X509ChainStatusFlags.NoError, Chain(grid.Authority, grid.NodeCertificate(Now), Now));
        // What a thief of the key would make.
        using ECDsa key = AuthorityKey();
        if (System.Net.IPAddress.TryParse(name, out System.Net.IPAddress? address))
        {
            using X509Certificate2 forAddress = Forged(grid.Authority, key, b => b.AddIpAddress(address));
            Assert.NotEqual(X509ChainStatusFlags.NoError, Chain(grid.Authority, forAddress, Now));
            return;
        }
        using X509Certificate2 forged = GridAuthority.Issue(grid.Authority, key, name, Now);
        Assert.NotEqual(X509ChainStatusFlags.NoError, Chain(grid.Authority, forged, Now));
        using X509Certificate2 both = Forged(grid.Authority, key, b => { b.AddDnsName(grid.File.Host); b.AddDnsName(name); });
        Assert.NotEqual(X509ChainStatusFlags.NoError, Chain(grid.Authority, both, Now));
        using X509Certificate2 own = Forged(grid.Authority, key, b => b.AddDnsName(grid.File.Host));
        Assert.Equal(X509ChainStatusFlags.NoError, Chain(grid.Authority, own, Now));
    }

    private string Refusal()
    {
        string message = Assert.Throws<GridUnusableException>(() => GridFolder.OpenOrCreate(Data, Facts, Now)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private ECDsa AuthorityKey()
    {
        Assert.True(GridSecrets.TryDecode(File.ReadAllBytes(GridFolder.KeyFile(Data)), out GridSecrets? secrets));
        return OfficeSecrets.Open(secrets.Office.AuthorityKey);
    }

    private static X509Certificate2 Forged(X509Certificate2 authority, ECDsa key, Action<SubjectAlternativeNameBuilder> names)
    {
        using ECDsa own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=forged", own, HashAlgorithmName.SHA256);
        var builder = new SubjectAlternativeNameBuilder();
        names(builder);
        request.CertificateExtensions.Add(builder.Build());
        return request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key), Now.AddDays(-1), Now.AddDays(1), [1]);
    }

    private static X509ChainStatusFlags Chain(X509Certificate2 authority, X509Certificate2 certificate, DateTimeOffset at)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = at.UtcDateTime;
        bool good = chain.Build(certificate);
        X509ChainStatusFlags flags = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, s) => all | s.Status);
        Assert.Equal(good, flags == X509ChainStatusFlags.NoError);
        return flags;
    }
}
