using System.Net;
using System.Text;
using Amazon.Runtime;
using GlobalCache.Master.Zones;
using GlobalCache.Tests.Assets;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Cloud;

/// <summary>The nodes' name in Route 53, over HTTP and DNS, against a fake that checks signatures and asks the shipped permissions.</summary>
public sealed class Route53ZoneTests : IAsyncLifetime
{
    private static readonly TimeSpan s_ttl = TimeSpan.FromSeconds(60);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 12, 0, 0, TimeSpan.Zero));
    private FakeRoute53 _route53 = null!;
    private Route53Zone _zone = null!;

    public async ValueTask InitializeAsync()
    {
        _route53 = new FakeRoute53(_time, SampleStack.Names, SampleStack.Master);
        await _route53.StartAsync();
        _route53.ServeNames();
        _zone = new Route53Zone(Settings(_route53), Keys, _time, () => 0.5);
    }

    public async ValueTask DisposeAsync()
    {
        _zone.Dispose();
        for (int i = 0; i < _route53.NameServers.Count; i++) _route53.StopNames(i);
        await _route53.DisposeAsync();
    }

    [Fact]
    public async Task A_set_is_published_whole_and_known_to_be_in_force_only_when_it_is()
    {
        HashSet<IPAddress> both = [IPAddress.Parse("198.51.100.1"), IPAddress.Parse("198.51.100.2"), IPAddress.Parse("2001:db8::1")], one = [IPAddress.Parse("198.51.100.2")];
        Assert.Empty(await _zone.ReadAsync(CancellationToken.None));
        string first = await _zone.PublishAsync(both, s_ttl, CancellationToken.None);
        Assert.True(both.SetEquals(await _zone.ReadAsync(CancellationToken.None)));
        Assert.False(await _zone.IsInSyncAsync(first, CancellationToken.None));
        Assert.Empty(await _zone.AskAsync(CancellationToken.None));
        _time.Advance(_route53.SyncsIn);
        Assert.True(await _zone.IsInSyncAsync(first, CancellationToken.None));
        Assert.True(both.SetEquals(await _zone.AskAsync(CancellationToken.None)));

        // The only address of its kind goes: its set is deleted in the same batch, as it stands.
        string second = await _zone.PublishAsync(one, s_ttl, CancellationToken.None);
        Assert.True(one.SetEquals(await _zone.ReadAsync(CancellationToken.None)));
        Assert.True(both.SetEquals(await _zone.AskAsync(CancellationToken.None)));
        _time.Advance(_route53.SyncsIn);
        Assert.True(await _zone.IsInSyncAsync(second, CancellationToken.None));
        Assert.True(one.SetEquals(await _zone.AskAsync(CancellationToken.None)));
        Assert.All(_route53.Verdicts, v => Assert.True(v.Verdict.IsAllowed, v.ToString()));
        Assert.NotEmpty(_route53.Verdicts);
    }

    [Fact]
    public async Task Four_hundred_addresses_are_one_answer_and_more_are_not_tried()
    {
        HashSet<IPAddress> many = [.. Enumerable.Range(0, 400).Select(i => new IPAddress([198, 51, (byte)(i / 250), (byte)(i % 250)]))];
        await _zone.PublishAsync(many, s_ttl, CancellationToken.None);
        _time.Advance(_route53.SyncsIn);
        Assert.True(many.SetEquals(await _zone.AskAsync(CancellationToken.None)));
        int calls = _route53.Calls.Count(c => c.StartsWith("POST", StringComparison.Ordinal));
        await Assert.ThrowsAsync<ZoneTroubleException>(() => _zone.PublishAsync(many.Append(IPAddress.Loopback).ToHashSet(), s_ttl, CancellationToken.None));
        Assert.Equal(calls, _route53.Calls.Count(c => c.StartsWith("POST", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_name_without_an_address_is_one_without_a_set_and_can_have_one_again()
    {
        HashSet<IPAddress> one = [new IPAddress([198, 51, 100, 1])];
        await _zone.PublishAsync(one, s_ttl, CancellationToken.None);
        string change = await _zone.PublishAsync(new HashSet<IPAddress>(), s_ttl, CancellationToken.None);
        _time.Advance(_route53.SyncsIn);
        Assert.True(await _zone.IsInSyncAsync(change, CancellationToken.None));
        Assert.Empty(await _zone.ReadAsync(CancellationToken.None));
        Assert.Empty(await _zone.AskAsync(CancellationToken.None));
        // Somebody else took it away before: there is nothing to ask for.
        await Assert.ThrowsAsync<ZoneTroubleException>(() => _zone.PublishAsync(new HashSet<IPAddress>(), s_ttl, CancellationToken.None));
        await _zone.PublishAsync(one, s_ttl, CancellationToken.None);
        Assert.Equal(one, await _zone.ReadAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData(400, "Throttling")]
    [InlineData(400, "PriorRequestNotComplete")]
    [InlineData(500, "InternalFailure")]
    [InlineData(503, "ServiceUnavailable")]
    [InlineData(0, "")]
    public async Task Trouble_that_passes_is_asked_through(int status, string code)
    {
        _route53.Refuse(status, code, times: 3);
        Task<string> change = _zone.PublishAsync(new HashSet<IPAddress> { IPAddress.Parse("198.51.100.1") }, s_ttl, CancellationToken.None);
        await PassTimeUntil(change);
        Assert.Single(_route53.Records);
        await change;
    }

    [Theory]
    [InlineData(400, "InvalidInput", 1)]
    [InlineData(403, "AccessDenied", 1)]
    [InlineData(400, "NoSuchHostedZone", 1)]
    [InlineData(400, "Throttling", 4)]
    public async Task What_does_not_pass_is_told_and_not_asked_for_ever(int status, string code, int calls)
    {
        _route53.Refuse(status, code, times: 10);
        Task<IReadOnlySet<IPAddress>> read = _zone.ReadAsync(CancellationToken.None);
        await PassTimeUntil(read);
        Assert.Contains(code, (await Assert.ThrowsAsync<ZoneTroubleException>(() => read)).Message, StringComparison.Ordinal);
        Assert.Equal(calls, _route53.Calls.Count);
    }

    [Fact]
    public async Task A_batch_that_deletes_is_not_said_twice_when_its_answer_is_lost()
    {
        HashSet<IPAddress> both = [IPAddress.Parse("198.51.100.1"), IPAddress.Parse("2001:db8::1")], one = [IPAddress.Parse("198.51.100.1")];
        await _zone.PublishAsync(both, s_ttl, CancellationToken.None);
        // Lost on the way back from the change itself.
        using var client = new Route53Client(Settings(_route53), Keys, _time, () => 0.5);
        IReadOnlyList<RecordSet> there = await client.ListAsync(CancellationToken.None);
        _route53.LoseNextAnswer = true;
        Task<string> change = client.ChangeAsync([new RecordChange("DELETE", there.Single(s => s.Type == "AAAA"))], CancellationToken.None);
        await PassTimeUntil(change);
        await Assert.ThrowsAsync<ZoneTroubleException>(() => change);
        Assert.Equal(2, _route53.Calls.Count(c => c.StartsWith("POST", StringComparison.Ordinal)));
        // The next pass reads what stands, and goes on from there.
        await _zone.PublishAsync(one, s_ttl, CancellationToken.None);
        Assert.True(one.SetEquals(await _zone.ReadAsync(CancellationToken.None)));
    }

    [Fact]
    public async Task A_batch_is_taken_whole_or_not_at_all_and_a_refusal_without_a_code_is_understood()
    {
        await _zone.PublishAsync(new HashSet<IPAddress> { IPAddress.Parse("198.51.100.1") }, s_ttl, CancellationToken.None);
        _route53.HidesCodes = true;
        using var client = new Route53Client(Settings(_route53), Keys, _time, () => 0.5);
        ZoneTroubleException refused = await Assert.ThrowsAsync<ZoneTroubleException>(() => client.ChangeAsync(
            [new RecordChange("UPSERT", new RecordSet("AAAA", 60, ["2001:db8::1"])), new RecordChange("DELETE", new RecordSet("A", 61, ["198.51.100.1"]))], CancellationToken.None));
        Assert.Contains("InvalidChangeBatch", refused.Message, StringComparison.Ordinal);
        Assert.Single(await client.ListAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Other_names_are_never_ours_and_pages_are_read_to_the_end_of_our_own()
    {
        _route53.PageSize = 1;
        string ours = SampleStack.Names.RecordName;
        foreach (string name in (string[])["grid.example.net", "a." + ours, "*." + ours, "nodes2.grid.example.net", "zzz.example.net"]) _route53.Records[(name, "A", "")] = new FakeRoute53.Set(60, ["192.0.2.66"]);
        _route53.Records[(ours, "TXT", "")] = new FakeRoute53.Set(60, ["\"text\""]);
        var before = new Dictionary<(string, string, string), FakeRoute53.Set>(_route53.Records);
        HashSet<IPAddress> both = [IPAddress.Parse("198.51.100.1"), IPAddress.Parse("2001:db8::1")];
        await _zone.PublishAsync(both, s_ttl, CancellationToken.None);
        Assert.True(both.SetEquals(await _zone.ReadAsync(CancellationToken.None)));
        Assert.All(before, r => Assert.Equal(r.Value, _route53.Records[r.Key]));
        Assert.Equal(before.Count + 2, _route53.Records.Count);

        _route53.NeverEnds = true;
        await Assert.ThrowsAsync<ZoneTroubleException>(() => _zone.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Records_of_our_name_that_are_somebody_elses_are_told_of_and_left_alone()
    {
        string ours = SampleStack.Names.RecordName;
        _route53.Records[(ours, "A", "weighted")] = new FakeRoute53.Set(60, ["192.0.2.66"]);
        await Assert.ThrowsAsync<ZoneTroubleException>(() => _zone.PublishAsync(new HashSet<IPAddress> { IPAddress.Loopback }, s_ttl, CancellationToken.None));
        _route53.Records.Clear();
        _route53.Records[(ours, "A", "")] = new FakeRoute53.Set(0, [], IsAlias: true);
        await Assert.ThrowsAsync<ZoneTroubleException>(() => _zone.ReadAsync(CancellationToken.None));
        Assert.Single(_route53.Records);
    }

    [Fact]
    public async Task Nobody_is_taken_to_be_out_of_the_DNS_while_a_server_is_silent_or_does_not_know()
    {
        _route53.IsLame = true;
        await Assert.ThrowsAsync<ZoneTroubleException>(() => _zone.AskAsync(CancellationToken.None));
        _route53.IsLame = false;
        Assert.Empty(await _zone.AskAsync(CancellationToken.None));
        _route53.StopNames(1);
        await Assert.ThrowsAsync<ZoneTroubleException>(() => _zone.AskAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_wrong_key_or_a_missing_token_is_told_at_once()
    {
        foreach (AWSCredentials keys in (AWSCredentials[])[new SessionAWSCredentials(FakeAws.KeyId, "other", FakeAws.Token), new BasicAWSCredentials(FakeAws.KeyId, FakeAws.Secret)])
        {
            using var zone = new Route53Zone(Settings(_route53), keys, _time, () => 0.5);
            await Assert.ThrowsAsync<ZoneTroubleException>(() => zone.ReadAsync(CancellationToken.None));
        }

        Assert.Empty(_route53.Verdicts);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("<!DOCTYPE x>", false)]
    [InlineData("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>", false)]
    public async Task An_answer_with_a_document_type_is_none(string type, bool isTaken)
    {
        byte[] body = Encoding.UTF8.GetBytes($"{type}<ListResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ResourceRecordSets/><IsTruncated>false</IsTruncated></ListResourceRecordSetsResponse>");
        await using RawOrigin origin = new((_, _) => ($"HTTP/1.1 200 OK\nContent-Length: {body.Length}", body, false));
        using var client = new Route53Client(Settings(_route53) with { Endpoint = origin.Url }, Keys, _time, () => 0.5);
        Task<IReadOnlyList<RecordSet>> list = client.ListAsync(CancellationToken.None);
        await PassTimeUntil(list);
        if (isTaken) Assert.Empty(await list);
        else await Assert.ThrowsAsync<ZoneTroubleException>(() => list);
    }

    [Fact]
    public async Task The_zones_servers_are_those_that_Route_53_names()
    {
        using var client = new Route53Client(Settings(_route53), Keys, _time, () => 0.5);
        Assert.Equal(["ns-1.example.net", "ns-2.example.org"], await client.NameServersAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("aws", "https://route53.amazonaws.com/", "us-east-1")]
    [InlineData("aws-cn", "https://route53.amazonaws.com.cn/", "cn-northwest-1")]
    [InlineData("aws-us-gov", "https://route53.us-gov.amazonaws.com/", "us-gov-west-1")]
    public void Each_partition_has_its_endpoint_and_region(string partition, string url, string region)
    {
        Route53Settings settings = Settings(_route53) with { Partition = partition, Endpoint = null };
        Assert.Equal((url, region), (settings.Url.AbsoluteUri, settings.Region));
        Assert.Empty(new Route53SettingsValidator().Validate(settings).Errors);
        Assert.Equal(3, new Route53SettingsValidator().Validate(settings with { Partition = "moon", HostedZone = "/hostedzone/Z1", Name = "*.example.net" }).Errors.Count);
    }

    internal static AWSCredentials Keys { get; } = new SessionAWSCredentials(FakeAws.KeyId, FakeAws.Secret, FakeAws.Token);

    internal static Route53Settings Settings(FakeRoute53 route53) =>
        new() { HostedZone = SampleStack.Names.HostedZone, Name = SampleStack.Names.RecordName, Endpoint = route53.Url, NameServers = route53.NameServers };

    /// <summary>Moves the clock on while pauses are waited for.</summary>
    private async Task PassTimeUntil(Task done)
    {
        for (int i = 0; i < 500 && !done.IsCompleted; i++)
        {
            await Task.WhenAny(done, Task.Delay(20));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(done.IsCompleted);
    }
}
