using System.Security.Cryptography;
using CsCheck;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Tests.Node.Ingest;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node.Quotas;

/// <summary>Quotas and checks over several nodes that share nothing but the store.</summary>
public sealed class BranchAccountsTests
{
    private const string Branch = "b";

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly MemoryStore _store = new() { Yields = false };
    private readonly GridKeys _keys = new(
        new Dictionary<uint, byte[]> { [1] = RandomNumberGenerator.GetBytes(32) }, RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(32));

    private QuotaPolicy _policy = new();
    private ulong _next;

    [Fact]
    public async Task An_asset_costs_once_a_day_and_what_is_new_to_a_node_waits_for_nobody()
    {
        BranchAccounts node = Node();
        _store.Trouble = true;
        Assert.True((await node.TakeAsync(Branch, 1, 100)).Allowed);
        _store.Trouble = false;
        for (int i = 0; i < 10_000; i++) Assert.True((await node.TakeAsync(Branch, 1, 100)).Allowed);
    }

    [Fact]
    public async Task T57_The_burst_of_a_branch_is_the_burst_however_many_nodes_there_are()
    {
        BranchAccounts[] nodes = [.. Enumerable.Range(0, 4).Select(_ => Node(4))];
        Assert.InRange(await ScrapeAsync(nodes, 10_000), 4000 - (4 * 64), 4000);
        // And it comes back at the hourly rate.
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.InRange(await ScrapeAsync(nodes, 10_000), 500 - (4 * 64), 500 + (4 * 64));
    }

    [Fact]
    public async Task A_scraper_at_four_nodes_gets_one_quota_though_a_node_is_killed_and_started_anew_and_is_flagged()
    {
        BranchAccounts[] nodes = [.. Enumerable.Range(0, 4).Select(_ => Node(4))];
        var rules = new ServingRules(_ => true, _ => false, (standing, length) => ServingRules.WithheldOf(new VouchingPolicy(), _policy, standing, length));
        int got = 0, asked = 0;
        for (int minute = 0; minute < 11 * 60; minute++)
        {
            // It takes what it is given, as fast as it is given; half of all it knows of is fresh.
            for (int i = 0; i < 200; i++)
            {
                string name = Name(asked++);
                BranchAccounts node = nodes[asked % 4];
                double share = rules.Withheld(asked % 2 == 0 ? Standing.Fresh : Standing.Settled, 1000);
                if (_keys.Withholds(Branch, name, BranchAccount.DayOf(_time.GetUtcNow()), share)) node.Withheld(Branch, BranchAccounts.IdOf(name));
                else if ((await TakeAsync(node, BranchAccounts.IdOf(name))).Allowed) got++;
            }
            _time.Advance(TimeSpan.FromMinutes(1));
            foreach (BranchAccounts node in nodes) await node.TidyAsync(all: false);
            // A third of the way one is killed: what it had in hand is lost, and nothing is forgotten.
            if (minute == 20) nodes[2] = Node(4);
        }
        Assert.InRange(got, _policy.PerDayNew / 10, _policy.PerDayNew * 11 / 10);
        Assert.All(nodes, n => Assert.Equal((1, 1), n.Sum()));

        // Flagged it is slow tomorrow too.
        _time.Advance(TimeSpan.FromHours(13));
        Assert.InRange(await ScrapeAsync(nodes, 10_000), 1, _policy.PerDayNew / 10);
    }

    [Fact]
    public async Task Honest_clients_are_never_flagged_whichever_node_hears_their_claims()
    {
        for (int seed = 0; seed < 3; seed++)
        {
            var random = new Random(seed);
            BranchAccounts[] nodes = [.. Enumerable.Range(0, 4).Select(_ => Node(4))];
            var rules = new ServingRules(_ => true, _ => false, (standing, length) => ServingRules.WithheldOf(new VouchingPolicy(), _policy, standing, length));
            var checks = new Checks(_keys, rules);
            var public_ = new VouchRecord { State = VouchState.Agreed, PublicMinute = 1 };
            List<(int Due, string Branch, string Name)> claims = [];
            int withheld = 0;
            for (int minute = 0; minute < 5 * 60; minute++)
            {
                for (int client = 0; client < 20; client++)
                {
                    string branch = $"{seed}/{client}";
                    if (random.Next(300) == 0) continue;
                    for (int i = 0; i < 20; i++)
                    {
                        string name = Name(random.Next());
                        BranchAccounts node = nodes[random.Next(4)];
                        if (!_keys.Withholds(branch, name, BranchAccount.DayOf(_time.GetUtcNow()), rules.Withheld(Standing.Settled, 1000))) continue;
                        withheld++;
                        node.Withheld(branch, BranchAccounts.IdOf(name));
                        // It gets it from the grid and claims it, some time later; one in twenty never gets there.
                        if (random.Next(20) > 0) claims.Add((minute + random.Next(1, 16), branch, name));
                    }
                }
                foreach ((_, string branch, string name) in claims.FindAll(c => c.Due == minute))
                    nodes[random.Next(4)].Claimed(branch, BranchAccounts.IdOf(name), matches: true, checks.IsOne(branch, name, public_, _time.GetUtcNow()));
                claims.RemoveAll(c => c.Due == minute);
                _time.Advance(TimeSpan.FromMinutes(1));
                foreach (BranchAccounts node in nodes) await node.TidyAsync(all: false);
                if (minute == 100) nodes[1] = Node(4);
            }
            Assert.True(withheld > 20 * 20, $"{withheld} checks");
            Assert.All(nodes, n => Assert.Equal(0, n.Sum().Flagged));
        }
    }

    [Fact]
    public async Task Disputes_are_the_days_at_all_nodes_together_and_unused_ones_come_back()
    {
        BranchAccounts[] nodes = [.. Enumerable.Range(0, 4).Select(_ => Node(4))];
        int granted = 0;
        for (int i = 0; i < 12; i++) granted += (await nodes[i % 4].ReserveDisputesAsync(Branch, 8, 20, default)).Granted;
        Assert.Equal(20, granted);
        nodes[1].ReturnDisputes(Branch, 5);
        await nodes[1].SettledAsync();
        Assert.Equal(5, (await nodes[2].ReserveDisputesAsync(Branch, 8, 20, default)).Granted);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(8, (await Node().ReserveDisputesAsync(Branch, 8, 20, default)).Granted);
    }

    [Fact]
    public async Task A_lost_contest_is_known_to_every_node_and_after_a_restart()
    {
        BranchAccounts node = Node();
        node.LostContest(Branch);
        await node.SettledAsync();
        Assert.Equal(1, (await Node().ReserveDisputesAsync(Branch, 1, 20, default)).Account.Lost);
    }

    [Fact]
    public async Task While_the_store_is_away_a_node_gives_its_own_share_and_books_it_later()
    {
        BranchAccounts node = Node(4);
        _store.Trouble = true;
        Assert.InRange(await ScrapeAsync([node], 5000), 1, _policy.Burst / 4);
        _store.Trouble = false;
        _time.Advance(TimeSpan.FromSeconds(6));
        int more = await ScrapeAsync([node], 5000);
        Assert.InRange(more, 2900, 4100);
    }

    [Fact]
    public async Task A_damaged_account_gives_no_quota_away()
    {
        await ScrapeAsync([Node()], 100);
        string name = _store.Touched.First(n => n.StartsWith("q/", StringComparison.Ordinal));
        StoredObject there = (await _store.GetAsync(name, default))!;
        await _store.PutAsync(name, there.Bytes.ToArray().Reverse().ToArray(), there.ETag, default);
        Assert.InRange(await ScrapeAsync([Node()], 10_000), 1, _policy.Burst);
    }

    [Fact]
    public async Task What_is_in_hand_goes_back_when_a_branch_rests_or_the_node_stops()
    {
        BranchAccounts first = Node(), second = Node();
        await ScrapeAsync([first], 300);
        _time.Advance(TimeSpan.FromMinutes(11));
        await first.TidyAsync(all: false);
        await ScrapeAsync([second], 300);
        await second.DisposeAsync();
        Assert.Equal(600, (await Node().ReserveDisputesAsync(Branch, 0, 20, default)).Account.Assets);
    }

    [Fact]
    public void No_interleaving_of_nodes_that_die_gives_out_more_than_the_quota() => Gen.Int.Positive.Sample(seed =>
    {
        var random = new Random(seed);
        var stepped = new SteppedStore(new MemoryStore { Yields = false });
        _policy = new QuotaPolicy { Burst = 200, PerHour = 100, PerDayNew = 150 };
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(stepped);
        try
        {
            List<(object Owner, BranchAccounts Node)> nodes = [];
            for (int i = 0; i < 3; i++) Start();
            int starts = 3, given = 0;
            List<ValueTask<QuotaAnswer>> waiting = [];
            for (int step = 0; step < 400; step++)
            {
                switch (random.Next(40))
                {
                    case 0:
                        int dies = random.Next(3);
                        stepped.Kill(nodes[dies].Owner, random);
                        nodes.RemoveAt(dies);
                        Start();
                        starts++;
                        break;
                    case < 20:
                        ValueTask<QuotaAnswer> answer = nodes[random.Next(3)].Node.TakeAsync(Branch, ++_next, 10);
                        if (!answer.IsCompleted) waiting.Add(answer);
                        else if (answer.Result.Allowed) given++;
                        stepped.Settle();
                        break;
                    default:
                        // No answer is lost here: after that a node gives out its own share, and would be right to.
                        if (!stepped.Idle) stepped.Step(random);
                        break;
                }
            }
            given += waiting.Count(w => w.IsCompletedSuccessfully && w.Result.Allowed);
            // Each start of a node may give a hundredth of the burst before it has asked.
            Assert.InRange(given, 1, 150 + (2 * starts));

            void Start()
            {
                object owner = new();
                nodes.Add((owner, new BranchAccounts(stepped.For(owner), _keys, () => _policy, () => 3, _ => false, _time)));
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }, iter: 200, threads: 1);

    private BranchAccounts Node(int nodes = 1) => new(_store, _keys, () => _policy, () => nodes, _ => false, _time);

    private string Name(int number) => Convert.ToHexStringLower(HMACSHA256.HashData(_keys.Name, BitConverter.GetBytes(number)));

    /// <summary>Asks for as many different assets, in turn of all nodes, and says how many it got.</summary>
    private async Task<int> ScrapeAsync(BranchAccounts[] nodes, int assets)
    {
        int got = 0;
        for (int i = 0; i < assets; i++)
        {
            if ((await TakeAsync(nodes[i % nodes.Length], ++_next)).Allowed) got++;
        }
        return got;
    }

    private static async Task<QuotaAnswer> TakeAsync(BranchAccounts node, ulong asset)
    {
        QuotaAnswer answer = await node.TakeAsync(Branch, asset, 1000);
        await node.SettledAsync();
        return answer;
    }
}
