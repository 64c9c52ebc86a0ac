using System.Security.Cryptography;
using CsCheck;
using GlobalCache.Office.Control;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node.Control;

/// <summary>What a node takes for the grid's own word, and what holds when there is none.</summary>
public sealed class ControlFollowerTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256), _other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly OpenStore _store = new();
    private readonly ControlFollower _follower;

    public ControlFollowerTests() => _follower = Follower();

    public void Dispose()
    {
        _follower.Dispose();
        _key.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task What_is_published_holds_and_an_unchanged_document_is_not_read_again()
    {
        await _follower.ReadAsync(default);
        Assert.Null(_follower.Current);
        Lay(Document(1) with { Bans = [new string('a', 64)], Policy = new GridPolicy { Grids = [new SharedGrid { Id = "shared" }] } });
        await _follower.ReadAsync(default);
        Assert.True(_follower.Known.Bans.Contains(new string('a', 64)));
        Assert.True(_follower.Known.IsShared("shared"));
        Assert.False(_follower.Known.IsShared("other"));
        int read = _store.Gets;
        await _follower.ReadAsync(default);
        Assert.Equal(read, _store.Gets);
        Lay(Document(2));
        await _follower.ReadAsync(default);
        Assert.False(_follower.Known.Bans.Contains(new string('a', 64)));
    }

    [Fact]
    public async Task An_older_forged_damaged_or_invalid_document_is_refused_whole_and_the_one_in_force_stays_so()
    {
        ControlDocument good = Document(5) with { RevokedBranches = ["b1"] };
        byte[] signed = Lay(good);
        await _follower.ReadAsync(default);
        byte[][] bad =
        [
            ControlEnvelope.TrySign(Document(4), _key, out _)!,
            ControlEnvelope.TrySign(Document(6), _other, out _)!,
            signed[..^1],
            [],
            new byte[ControlEnvelope.MaxBytes + 1],
            [.. "GCC2"u8, .. signed[4..]],
            Signed("""{"sequence":7,"issued":"2026-03-01T12:00:00+00:00","bans":["x"]}"""),
            Signed("""{"sequence":7,"issued":"2026-03-01T12:00:00+00:00","bans":null}"""),
            Signed("""{"sequence":7,"issued":"2026-03-01T12:00:00+00:00","policy":{"vouching":{"lead":0}}}"""),
            Signed("""{"sequence":7}"""),
            Signed("[]"),
        ];
        for (int i = 0; i < bad.Length; i++)
        {
            _store.Lay(bad[i]);
            await _follower.ReadAsync(default);
            await _follower.ReadAsync(default);
            Assert.NotNull(_follower.Wrong);
            // Once each, however often it is seen.
            Assert.Equal(i + 1, _follower.Refused);
            Assert.Equal(5, _follower.Known.Document.Sequence);
            Assert.Equal(["b1"], _follower.Known.RevokedBranches);
        }
        Lay(Document(6));
        await _follower.ReadAsync(default);
        Assert.Null(_follower.Wrong);
        Assert.Empty(_follower.Known.RevokedBranches);
    }

    [Fact]
    public void Every_changed_bit_is_noticed()
    {
        byte[] signed = ControlEnvelope.TrySign(Document(1), _key, out _)!;
        Gen.Select(Gen.Int[0, signed.Length - 1], Gen.Int[0, 7]).Sample((at, bit) =>
        {
            byte[] flipped = [.. signed];
            flipped[at] ^= (byte)(1 << bit);
            return ControlEnvelope.Open(flipped, _key, out ControlDocument? document) != ControlFault.None && document is null;
        }, iter: 500, threads: 1);
    }

    [Fact]
    public async Task Fields_of_later_versions_are_ignored_and_missing_ones_have_their_defaults()
    {
        _store.Lay(Signed("""{"sequence":3,"issued":"2026-03-01T12:00:00+00:00","later":{"a":[1]},"policy":{"nodes":4,"later":1}}"""));
        await _follower.ReadAsync(default);
        Assert.Equal(4, _follower.Known.Policy.Nodes);
        Assert.Equal(2, _follower.Known.Policy.Vouching.Lead);
    }

    [Fact]
    public async Task While_the_store_is_away_what_holds_goes_on_holding()
    {
        Lay(Document(1) with { RevokedBranches = ["b1"] });
        await _follower.ReadAsync(default);
        _store.Away = true;
        _time.Advance(TimeSpan.FromHours(3));
        await _follower.ReadAsync(default);
        Assert.Equal(["b1"], _follower.Known.RevokedBranches);
        Assert.Equal(TimeSpan.FromHours(3), _follower.Age);
        _store.Away = false;
        Lay(Document(2));
        await _follower.ReadAsync(default);
        Assert.Empty(_follower.Known.RevokedBranches);
    }

    [Fact]
    public async Task It_follows_within_thirty_seconds()
    {
        using var stop = new CancellationTokenSource();
        Task following = _follower.FollowAsync(stop.Token);
        Lay(Document(1));
        for (int second = 0; second < 15; second++) _time.Advance(TimeSpan.FromSeconds(1));
        for (int i = 0; i < 5000 && _follower.Current is null; i++) await Task.Yield();
        Assert.NotNull(_follower.Current);
        await stop.CancelAsync();
        await following;
    }

    [Fact]
    public async Task Invented_key_names_bring_about_one_read_in_two_seconds()
    {
        int before = _store.Peeks;
        for (int i = 0; i < 100; i++) await _follower.ReadForUnknownKeyAsync(default);
        Assert.Equal(before + 1, _store.Peeks);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await _follower.ReadForUnknownKeyAsync(default));
        Assert.Equal(before + 2, _store.Peeks);
    }

    [Fact]
    public async Task A_running_node_mends_what_was_damaged_put_back_or_removed_and_a_command_alone_does_not_build_on_it()
    {
        using var desk = new ControlDesk(_store, Copy(_key), _follower, _time);
        await desk.ChangeAsync(d => d with { RevokedBranches = ["b1"] }, default);
        byte[] old = _store.Object!;
        await desk.ChangeAsync(d => d with { RevokedBranches = ["b1", "b2"] }, default);
        using var alone = new ControlDesk(_store, Copy(_key), follower: null, _time);
        foreach (byte[]? bad in (byte[]?[])[old, [1, 2, 3], null, ControlEnvelope.TrySign(Document(99), _other, out _)])
        {
            _store.Lay(bad);
            await _follower.ReadAsync(default);
            if (bad is not null && bad != old) await Assert.ThrowsAsync<StoreTroubleException>(() => alone.ChangeAsync(d => d with { Bans = [] }, default));
            await desk.ChangeAsync(d => d, default);
            await _follower.ReadAsync(default);
            Assert.Null(_follower.Wrong);
            Assert.Equal(["b1", "b2"], (await alone.ReadAsync(default)).RevokedBranches);
        }
        _store.Lay([.. "GCC2"u8, .. old[4..]]);
        await Assert.ThrowsAsync<StoreTroubleException>(() => desk.ChangeAsync(d => d with { Bans = [] }, default));
    }

    [Fact]
    public async Task Of_many_changes_at_once_none_is_lost()
    {
        ControlDesk[] desks = [.. Enumerable.Range(0, 4).Select(_ => new ControlDesk(_store, Copy(_key), follower: null, TimeProvider.System))];
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => desks[i % desks.Length].ChangeAsync(d => d with { RevokedBranches = [.. d.RevokedBranches, $"b{i}"] }, default)));
        ControlDocument document = await desks[0].ReadAsync(default);
        Assert.Equal(40, document.RevokedBranches.Count);
        Assert.Equal(40, document.Sequence);
        foreach (ControlDesk desk in desks) desk.Dispose();
    }

    [Fact]
    public async Task What_would_not_be_valid_is_refused_with_all_that_is_wrong_and_a_full_document_is_within_a_mebibyte()
    {
        using var desk = new ControlDesk(_store, Copy(_key), follower: null, _time);
        var refused = await Assert.ThrowsAsync<ControlRefusedException>(() => desk.ChangeAsync(
            d => d with { Policy = new GridPolicy { Nodes = 0, Vouching = new VouchingPolicy { Lead = 11, RegionHosts = 0 } }, Bans = [.. Enumerable.Repeat(new string('a', 64), ControlDocument.MaxBans + 1)] }, default));
        Assert.Equal(4, refused.Message.Split('\n').Length);
        Assert.Null(_store.Object);
        await desk.ChangeAsync(d => d with
        {
            Bans = [.. Enumerable.Range(0, ControlDocument.MaxBans).Select(i => i.ToString("x64"))],
            RevokedBranches = [.. Enumerable.Range(0, ControlDocument.MaxEntries).Select(i => $"b{i:x16}")],
            ThrottledBranches = [.. Enumerable.Range(0, ControlDocument.MaxEntries).Select(i => $"b{i:x16}")],
            SessionKeys = [.. Enumerable.Repeat(new SessionKeyEntry { Id = new string('0', 16), PublicKey = new string('A', 124), GoodUntil = _time.GetUtcNow() }, ControlDocument.MaxSessionKeys)],
        }, default);
        Assert.InRange(_store.Object!.Length, 600_000, ControlEnvelope.MaxBytes);
        SharedGrid huge = new() { Id = "x", Authorities = [.. Enumerable.Repeat(new string('y', 255), 32)] };
        await Assert.ThrowsAsync<ControlRefusedException>(() => desk.ChangeAsync(
            d => d with { Policy = new GridPolicy { Grids = [.. Enumerable.Range(0, 64).Select(i => huge with { Id = $"g{i}" })] } }, default));
    }

    private static ControlDocument Document(long sequence) => new() { Sequence = sequence, Issued = DateTimeOffset.UnixEpoch };

    private ControlFollower Follower() => new(_store, Copy(_key), _time, WatchedLog.Unread);

    private static ECDsa Copy(ECDsa key) => ECDsa.Create(key.ExportParameters(includePrivateParameters: true));

    private byte[] Lay(ControlDocument document)
    {
        byte[] signed = ControlEnvelope.TrySign(document, _key, out _)!;
        _store.Lay(signed);
        return signed;
    }

    private byte[] Signed(string json)
    {
        byte[] payload = System.Text.Encoding.UTF8.GetBytes(json);
        return [.. "GCC1"u8, .. _key.SignData([.. "gc/control/1"u8, .. payload], HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation), .. payload];
    }

    /// <summary>A store of one object, into which anybody may put what they like.</summary>
    private sealed class OpenStore : IObjectStore
    {
        private readonly Lock _gate = new();
        private int _version;

        public byte[]? Object { get; private set; }

        public bool Away { get; set; }

        public int Gets { get; private set; }

        public int Peeks { get; private set; }

        public void Lay(byte[]? bytes)
        {
            lock (_gate) (Object, _version) = (bytes, _version + 1);
        }

        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
        {
            lock (_gate)
            {
                Gets++;
                return Away ? throw new StoreTroubleException("away") : new(Object is null ? null : new StoredObject($"{_version}", Object));
            }
        }

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct)
        {
            lock (_gate)
            {
                Peeks++;
                return Away ? throw new StoreTroubleException("away") : new(Object is null ? null : new StoredObject($"{_version}", Object.AsMemory(0, Math.Min(first, Object.Length))));
            }
        }

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            lock (_gate)
            {
                if (Away) throw new StoreTroubleException("away");
                if (ifMatch != (Object is null ? null : $"{_version}")) return new(PutResult.Refused);
                (Object, _version) = (bytes.ToArray(), _version + 1);
                return new(PutResult.Written);
            }
        }
    }
}
