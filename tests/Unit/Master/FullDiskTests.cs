using System.Net;
using System.Security.Cryptography;
using GlobalCache.Master;
using GlobalCache.Office.Serving;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Master;

/// <summary>A master that was killed and comes back to a disk on which nothing can be written.</summary>
[Collection("load")]
public sealed class FullDiskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-full-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task It_starts_again_as_long_as_nothing_has_to_be_written_and_says_in_one_sentence_why_not_otherwise()
    {
        IPEndPoint listen, names;
        await using (MasterApp first = await StartAsync(new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 0)))
            (listen, names) = (first.Public, IPEndPoint.Parse(first.NamesAt));
        // Where a file would be written before it takes the other's place, it cannot be.
        foreach (string file in Directory.GetFiles(_folder)) Directory.CreateDirectory(file + ".new");
        await using (MasterApp second = await StartAsync(listen, names)) Assert.Equal(listen, second.Public);

        File.Delete(Path.Combine(_folder, "node.keys"));
        CannotStartException refused = await Assert.ThrowsAsync<CannotStartException>(() => StartAsync(listen, names));
        Assert.StartsWith($"{_folder} cannot be written to (", refused.Message, StringComparison.Ordinal);
    }

    private Task<MasterApp> StartAsync(IPEndPoint listen, IPEndPoint names) => MasterApp.StartAsync(new MasterOptions
    {
        Data = _folder,
        Listen = listen,
        Private = new IPEndPoint(IPAddress.Loopback, 0),
        Dns = names,
        NodeProgram = ["/bin/true"],
        AdminCodeHash = Convert.ToHexString(SHA256.HashData("a code"u8)),
        Policy = new GridPolicy { Vouching = new VouchingPolicy { Lead = 1 } },
    }, WatchedLog.Unread);
}
