using System.Security.Cryptography;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Node.Ingest;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node.Enrolment;

/// <summary>Invites, clients and branches over a store in a folder, which several desks share as several processes would.</summary>
public sealed class EnrolmentDeskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-desk-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
    private readonly OfficeKey _keys = OfficeKey.Create();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_invite_lets_one_in_once_and_its_user_again()
    {
        EnrolmentDesk desk = Desk();
        string code = (await desk.InviteAsync(inviter: null, default))!;
        string first = (await desk.EnrolAsync(code, "key one", default))!;
        Assert.Null(await Desk().EnrolAsync(code, "key two", default));
        // The answer was lost, and the client asks again, of another node even.
        Assert.Equal(first, await Desk().EnrolAsync(code, "key one", default));
        Assert.Single(desk.Roll.Clients);
        Assert.Null(await desk.EnrolAsync(InviteText.NewCode(), "key one", default));
    }

    [Fact]
    public async Task Of_many_who_use_an_invite_at_once_one_is_let_in()
    {
        for (int round = 0; round < 10; round++)
        {
            EnrolmentDesk[] desks = [.. Enumerable.Range(0, 8).Select(_ => new EnrolmentDesk(
                new FolderStore(_folder, TimeProvider.System), _keys, TimeProvider.System, WatchedLog.Unread))];
            string code = (await desks[0].InviteAsync(inviter: null, default))!;
            string?[] clients = await Task.WhenAll(desks.Select((d, i) => Task.Run(() => d.EnrolAsync(code, $"key {round} {i}", default))));
            Assert.Single(clients.OfType<string>());
        }
    }

    [Fact]
    public async Task An_invite_is_good_for_seven_days_and_not_a_moment_longer()
    {
        EnrolmentDesk desk = Desk();
        string early = (await desk.InviteAsync(inviter: null, default))!, late = (await desk.InviteAsync(inviter: null, default))!;
        _time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromTicks(1));
        Assert.NotNull(await desk.EnrolAsync(early, "key", default));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Null(await desk.EnrolAsync(late, "other key", default));
        Assert.Null(await desk.EnrolAsync(early, "key", default));
    }

    [Fact]
    public async Task A_revoked_invite_lets_nobody_in()
    {
        EnrolmentDesk desk = Desk();
        string code = (await desk.InviteAsync(inviter: null, default))!, id = Roll.InviteId(code);
        Assert.Equal(Revocation.Done, await Desk().RevokeAsync(id, default));
        Assert.Null(await desk.EnrolAsync(code, "key", default));
        Assert.Equal(Revocation.Unknown, await desk.RevokeAsync(id, default));
        string used = (await desk.InviteAsync(inviter: null, default))!;
        Assert.NotNull(await desk.EnrolAsync(used, "key", default));
        Assert.Equal(Revocation.Used, await desk.RevokeAsync(Roll.InviteId(used), default));
    }

    [Fact]
    public async Task Each_invite_of_the_operator_begins_a_branch_and_those_below_share_it()
    {
        EnrolmentDesk desk = Desk();
        string ann = await JoinAsync(desk, "ann", null), bob = await JoinAsync(desk, "bob", null), cat = await JoinAsync(desk, "cat", ann), dan = await JoinAsync(desk, "dan", cat);
        Dictionary<string, string> branch = desk.Roll.Clients.ToDictionary(c => c.Key, c => c.Value.Branch);
        Assert.NotEqual(branch[ann], branch[bob]);
        Assert.Equal(branch[ann], branch[cat]);
        Assert.Equal(branch[ann], branch[dan]);
        Assert.Equal(2, desk.Roll.Branches.Count);
        Assert.Null(await desk.InviteAsync("c0000000000000000", default));
    }

    [Fact]
    public async Task A_revoked_client_is_out_with_its_invites_and_a_revoked_branch_with_all_below_it()
    {
        EnrolmentDesk desk = Desk();
        string ann = await JoinAsync(desk, "ann", null), cat = await JoinAsync(desk, "cat", ann), bob = await JoinAsync(desk, "bob", null);
        string branch = desk.Roll.Clients[ann].Branch;
        string ofCat = (await desk.InviteAsync(cat, default))!, ofAnn = (await desk.InviteAsync(ann, default))!;

        Assert.Equal(Revocation.Done, await desk.RevokeAsync(cat, default));
        Assert.Equal(Revocation.Already, await desk.RevokeAsync(cat, default));
        Assert.Null(await desk.FindAsync(cat, default));
        Assert.Null(await desk.EnrolAsync(ofCat, "friend of cat", default));
        Assert.Null(await desk.InviteAsync(cat, default));
        Assert.NotNull(await desk.FindAsync(ann, default));

        Assert.Equal(Revocation.Done, await desk.RevokeAsync(branch, default));
        Assert.Null(await desk.FindAsync(ann, default));
        Assert.Null(await desk.EnrolAsync(ofAnn, "friend of ann", default));
        Assert.True(desk.Roll.IsRevoked(ann, branch));
        Assert.True(desk.Roll.IsRevoked("c-forgotten", branch));
        Assert.NotNull(await desk.FindAsync(bob, default));
        Assert.False(desk.Roll.IsRevoked(bob, desk.Roll.Clients[bob].Branch));
        Assert.Equal(Revocation.Unknown, await desk.RevokeAsync("nonsense", default));
    }

    [Fact]
    public async Task While_the_store_is_away_what_is_known_goes_on_holding()
    {
        var store = new FailingStore(new FolderStore(_folder, TimeProvider.System));
        var desk = new EnrolmentDesk(store, _keys, _time, WatchedLog.Unread);
        string ann = await JoinAsync(desk, "ann", null), branch = desk.Roll.Clients[ann].Branch;
        await desk.RevokeAsync(ann, default);
        store.Fails = true;
        await Assert.ThrowsAsync<StoreTroubleException>(() => desk.InviteAsync(inviter: null, default));
        await Assert.ThrowsAsync<StoreTroubleException>(() => desk.RefreshAsync(default));
        Assert.True(desk.Roll.IsRevoked(ann, branch));
    }

    [Fact]
    public async Task An_answer_that_was_lost_on_its_way_back_is_found_again()
    {
        var store = new FailingStore(new FolderStore(_folder, TimeProvider.System));
        var desk = new EnrolmentDesk(store, _keys, _time, WatchedLog.Unread);
        string code = (await desk.InviteAsync(inviter: null, default))!;
        store.LosesAnswers = true;
        await Assert.ThrowsAsync<StoreTroubleException>(() => desk.EnrolAsync(code, "key", default));
        store.LosesAnswers = false;
        string client = (await desk.EnrolAsync(code, "key", default))!;
        Assert.Equal([client], desk.Roll.Clients.Keys);
    }

    [Fact]
    public async Task What_lies_in_the_store_tells_nothing_and_cannot_be_put_back_or_made_by_others()
    {
        EnrolmentDesk desk = Desk();
        string code = (await desk.InviteAsync(inviter: null, default))!, client = (await desk.EnrolAsync(code, "the public key", default))!;
        string path = Directory.GetFiles(Path.Combine(_folder, "m"), "*", SearchOption.AllDirectories).Single();
        byte[] before = File.ReadAllBytes(path);
        string text = System.Text.Encoding.Latin1.GetString(before);
        foreach (string known in new[] { code, client, "the public key", Roll.InviteId(code), "Invites" }) Assert.DoesNotContain(known, text, StringComparison.Ordinal);

        await desk.RevokeAsync(client, default);
        File.WriteAllBytes(path, before);
        await Assert.ThrowsAsync<StoreTroubleException>(() => desk.InviteAsync(inviter: null, default));
        File.Delete(path);
        await Assert.ThrowsAsync<StoreTroubleException>(() => desk.InviteAsync(inviter: null, default));
        Assert.True(desk.Roll.IsRevoked(client, desk.Roll.Clients[client].Branch));

        for (int i = 0; i < 100; i++)
        {
            byte[] flipped = [.. before];
            flipped[RandomNumberGenerator.GetInt32(flipped.Length)] ^= (byte)(1 << RandomNumberGenerator.GetInt32(8));
            Assert.False(new RollSeal(_keys).TryOpen(flipped, out _));
        }
        Assert.False(new RollSeal(OfficeKey.Create()).TryOpen(before, out _));
    }

    [Fact]
    public void The_roll_is_bounded_and_forgets_what_has_ended()
    {
        DateTimeOffset now = _time.GetUtcNow();
        Roll roll = Roll.Empty;
        for (int i = 0; i < Roll.MostInvites; i++) roll = roll.WithInvite($"code {i}", inviter: null, now)!;
        Assert.Null(roll.WithInvite("one more", inviter: null, now));
        Assert.Single(roll.WithInvite("a week later", inviter: null, now.AddDays(7))!.Invites);

        (roll, string? client) = roll.Enrol("code 1", "key", "c1", "b1", now);
        Assert.Equal("c1", client);
        (roll, _) = roll.Revoke("c1", now);
        // No session lives as long as that.
        roll = roll.WithInvite("a day later", inviter: null, now.AddDays(8))!;
        Assert.Empty(roll.Clients);
        Assert.Single(roll.Branches);
    }

    [Fact]
    public async Task Random_courses_with_kills_and_lost_answers_use_no_invite_twice()
    {
        int entered = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var store = new SteppedStore(new MemoryStore { Yields = false });
            SynchronizationContext? outer = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(store);
            try
            {
                // A desk each, as nodes have; time stands, so that a desk that is refused waits until it is moved on.
                Task<string?> inviting = Desk(store.For(store)).InviteAsync(inviter: null, default);
                while (!inviting.IsCompleted) store.Step(random);
                string code = (await inviting)!;
                object[] owners = [.. Enumerable.Range(0, 3).Select(_ => new object())];
                Task<string?>[] uses = [.. owners.Select((o, i) => Desk(store.For(o)).EnrolAsync(code, $"key {i}", default))];
                bool killed = false;
                for (int i = 0; i < 200 && !uses.All(u => u.IsCompleted); i++)
                {
                    if (!store.Idle) store.Step(random, lost: 0.1);
                    if (!killed && random.Next(8) == 0)
                    {
                        store.Kill(owners[0], random);
                        killed = true;
                    }
                    _time.Advance(TimeSpan.FromMilliseconds(50));
                    store.Settle();
                    if (store.Idle && killed && uses.Skip(1).All(u => u.IsCompleted)) break;
                }
                int let = 0;
                foreach (Task<string?> use in uses.Where(u => u.IsCompletedSuccessfully)) let += await use is null ? 0 : 1;
                Assert.InRange(let, 0, 1);
                Assert.True(new RollSeal(_keys).TryOpen(store["m/roll"], out Roll? roll));
                Assert.InRange(roll.Clients.Count, 0, 1);
                Assert.Equal(roll.Clients.Keys.SingleOrDefault(), roll.Invites.Values.Single().UsedBy);
                entered += roll.Clients.Count;
                foreach (Task<string?> use in uses) _ = use.Exception;
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(outer);
            }
        }
        // Else nothing was tried.
        Assert.InRange(entered, 150, 200);
    }

    private EnrolmentDesk Desk() => Desk(new FolderStore(_folder, TimeProvider.System));

    private EnrolmentDesk Desk(IObjectStore store) => new(store, _keys, _time, WatchedLog.Unread);

    private static async Task<string> JoinAsync(EnrolmentDesk desk, string key, string? inviter) =>
        (await desk.EnrolAsync((await desk.InviteAsync(inviter, default))!, key, default))!;

    private sealed class FailingStore(FolderStore inner) : IObjectStore
    {
        public bool Fails { get; set; }

        public bool LosesAnswers { get; set; }

        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => Fails ? throw new StoreTroubleException("away") : inner.GetAsync(name, ct);

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => inner.PeekAsync(name, first, ct);

        public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            PutResult result = await inner.PutAsync(name, bytes, ifMatch, ct);
            return LosesAnswers ? throw new StoreTroubleException("lost") : result;
        }
    }
}
