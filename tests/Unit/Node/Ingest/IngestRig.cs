using System.Net;
using System.Security.Cryptography;
using GlobalCache.Node.Ingest;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Control;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid.Synthetic;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node.Ingest;

/// <summary>A node's ingest over a store, and people who visit a grid: k = 2 and everything at its default unless a test says otherwise.</summary>
internal sealed class IngestRig : IDisposable
{
    public const string Grid = "grid.example.org", Authority = "assets.example.org";

    private readonly string? _folder;
    private readonly TimeProvider _clock;
    private ClaimIntake _claims;

    public IngestRig(bool folder = false, IObjectStore? store = null, TimeProvider? clock = null)
    {
        _folder = folder ? Directory.CreateTempSubdirectory("gc-ingest-").FullName : null;
        _clock = clock ?? Time;
        Store = store ?? (folder ? new FolderStore(_folder!, TimeProvider.System) : new MemoryStore());
        Rules = new IngestRules(() => Policy, () => [new SharedGrid { Id = Grid, Authorities = [Authority] }], () => Bans, () => Revoked);
        Ledger = new Ledger(Store, new RecordSeal(Keys), () => Policy, ClaimTags.Revoked(Keys, () => Revoked), _clock);
        Uploads = new UploadIntake(Keys, Ledger, Rules);
        _claims = null!;
        Restart();
    }

    public static GridKeys Keys { get; } = new(new Dictionary<uint, byte[]> { [1] = new byte[32], [2] = [.. Enumerable.Repeat((byte)7, 32)] }, new byte[32], new byte[32], new byte[32]);

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));

    public VouchingPolicy Policy { get; set; } = new();

    public Bans Bans { get; set; } = Bans.None;

    public List<string> Revoked { get; } = [];

    public IObjectStore Store { get; }

    public IngestRules Rules { get; }

    public BranchAccounts Accounts { get; private set; } = null!;

    public QuotaPolicy Quotas { get; } = new();

    public Ledger Ledger { get; }

    public UploadIntake Uploads { get; }

    /// <summary>Someone whose branch is a month old.</summary>
    public Caller Person(string branch, string address) => new(branch, _clock.GetUtcNow().AddDays(-30), "", Uploader: false, IPAddress.Parse(address));

    /// <summary>Someone of a branch and a network of their own.</summary>
    public Caller Stranger(int number) => Person($"stranger {number}", $"198.51.{number}.9");

    public static Guid Id(int number) => new($"6c0ca000-0000-4000-8000-{number:D12}");

    public static byte[] Good(int number) => SyntheticAssets.Texture(number, 700, 8, 8);

    public static byte[] Bad(int number) => SyntheticAssets.Texture(number + 1_000_000, 700, 8, 8);

    public static ClaimLine Line(int number, byte[] bytes, string origin = Authority, string grid = Grid) => new()
    {
        Grid = grid,
        Type = "texture",
        Id = Id(number),
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        Length = bytes.Length,
        Origin = origin,
    };

    public static AssetKey Key(int number) => new(Grid, AssetType.Texture, Id(number));

    /// <summary>The node forgets what it has in memory.</summary>
    public void Restart()
    {
        Accounts = new BranchAccounts(Store, Keys, () => Quotas, () => 1, _ => false, _clock);
        _claims = new ClaimIntake(Keys, Ledger, new BranchBook(Keys, Accounts), Rules, _clock);
    }

    public async Task<ClaimAnswers> ClaimAsync(Caller who, params ClaimLine[] lines) => (await _claims.ClaimAsync(who, new ClaimBatch { Lines = lines }, default))!;

    public Task<bool> DisputeAsync(Caller who, params ClaimLine[] lines) => _claims.DisputeAsync(who, new ClaimBatch { Lines = lines }, default);

    /// <summary>What a client does with bytes it got from the grid, ten minutes after the one before.</summary>
    public async Task<ClaimVerdict> VisitAsync(Caller who, int number, byte[] bytes, string origin = Authority)
    {
        Time.Advance(TimeSpan.FromMinutes(10));
        ClaimVerdict verdict = (await ClaimAsync(who, Line(number, bytes, origin))).Lines[0];
        if (verdict == ClaimVerdict.Wanted) Assert.Equal(Upload.Stored, (await Uploads.PutAsync(Key(number), bytes, default)).Upload);
        return verdict;
    }

    /// <summary>The plain bytes a node would serve; null: none.</summary>
    public async Task<byte[]?> ServedAsync(int number)
    {
        if (await Store.GetAsync("a/" + Keys.NameOf(Key(number)), default) is not { } there || Tombstone.TryRead(there.Bytes.Span, out _)) return null;
        Assert.Equal(SealFault.None, SealedHeader.Read(there.Bytes.Span, out SealedHeader header));
        Assert.Equal(Keys.Newest, header.KeyId);
        Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(Key(number), there.Bytes.Span, Keys.GridKey(header.KeyId, Grid)!, out byte[] plain));
        return plain;
    }

    public async Task<VouchState> StateAsync(int number)
    {
        string name = Keys.NameOf(Key(number));
        if (await Store.GetAsync("v/" + name, default) is not { } there) return VouchState.Open;
        Assert.True(new RecordSeal(Keys).TryOpen(name, there.Bytes.Span, out VouchRecord record));
        return record.State;
    }

    /// <summary>Makes assets public on the word of an uploader.</summary>
    public async Task PublishAsync(int count)
    {
        Caller uploader = Person("uploader", "192.0.2.1") with { Uploader = true };
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(ClaimVerdict.Wanted, (await ClaimAsync(uploader, Line(i, Good(i)))).Lines[0]);
            Assert.Equal(Upload.Stored, (await Uploads.PutAsync(Key(i), Good(i), default)).Upload);
        }
    }

    public void Dispose()
    {
        Accounts.SettledAsync().Wait();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }
}
