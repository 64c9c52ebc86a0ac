using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using GlobalCache.Demo.Founding;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Node.Control;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Master;

/// <summary>A real master and two nodes that it has opened, as processes. Revocation and takedown go by the shipped periods; only the draining of nodes is hurried (ten times, and a TTL of 1 s).</summary>
[Collection("load")]
public sealed class FleetTakedownTests : IAsyncLifetime
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-takedown-").FullName;
    private readonly GridClient _ann = new("127.1.0.1"), _bob = new("127.2.0.1"), _eve = new("127.3.0.1");
    private readonly HttpClient _http = new(new SocketsHttpHandler { CookieContainer = new CookieContainer() });
    private readonly MasterProcess _master;
    private string _token = "";

    public FleetTakedownTests()
    {
        GridPolicy policy = FoundingPolicy.Of(10);
        LifePolicy life = policy.Scaling.Life with { DrainLeast = TimeSpan.FromSeconds(2), DrainQuiet = TimeSpan.FromSeconds(1), Lease = TimeSpan.FromSeconds(3), LeaseRenew = TimeSpan.FromSeconds(1), LeaseLeast = TimeSpan.FromSeconds(1.5) };
        _master = new MasterProcess(_folder, policy with { Scaling = policy.Scaling with { Min = 2, Ttl = TimeSpan.FromSeconds(1), Life = life } }, 1_000_000, network: 64, TimeProvider.System) { Logged = SecretWatch.Hear };
    }

    private IPEndPoint[] Nodes => [.. InDns().Select(a => new IPEndPoint(a, _master.NodePort))];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _master.DisposeAsync();
        SecretWatch.HearNodes(_folder);
        foreach (IDisposable part in (IDisposable[])[_ann, _bob, _eve, _http]) part.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Who_is_shut_out_and_what_is_taken_down_is_gone_from_all_nodes_within_thirty_seconds_and_a_fleet_that_is_retired_stays_so()
    {
        string invite = await _master.StartAsync();
        await EventuallyAsync(() => Nodes.Length == 2, TimeSpan.FromSeconds(60));
        await SignInAsync();
        GridFile grid = JsonSerializer.Deserialize<GridFile>(await File.ReadAllBytesAsync(Path.Combine(_master.Data, "grid.json")), JsonSerializerOptions.Web)!;
        (AssetKey byCall, AssetKey byCommand, AssetKey kept) = (await LayAsync(), await LayAsync(), await LayAsync());
        await _ann.EnrolAsync(grid, invite);
        await _bob.EnrolAsync(grid, (await CallAsync<NewInvite>(HttpMethod.Post, MasterApi.Invites, null)).Invite);
        await _eve.EnrolAsync(grid, (await CallAsync<NewInvite>(HttpMethod.Post, MasterApi.Invites, null)).Invite);
        IPEndPoint[] nodes = Nodes;
        Assert.True(await AllAsync(nodes, HttpStatusCode.OK, n => _ann.StatusAsync(grid, n, byCall), n => _bob.StatusAsync(grid, n, byCommand), n => _eve.StatusAsync(grid, n, kept)));

        await CallAsync<AdminAnswer>(HttpMethod.Post, AdminApi.Revocations, new AdminRevocation { Id = _ann.Id });
        await CallAsync<AdminAnswer>(HttpMethod.Post, AdminApi.Bans, new AdminBan { Grid = byCall.GridId, Type = "sound", Id = byCall.Id });
        await CommandAsync("revoke", _bob.Id);
        await CommandAsync("ban", byCommand.GridId, "sound", $"{byCommand.Id}");
        long since = TimeProvider.System.GetTimestamp();
        while (!await AllAsync(nodes, HttpStatusCode.Unauthorized, n => _ann.StatusAsync(grid, n, kept), n => _bob.StatusAsync(grid, n, kept))
            || !await AllAsync(nodes, HttpStatusCode.NotFound, n => _eve.StatusAsync(grid, n, byCall), n => _eve.StatusAsync(grid, n, byCommand)))
        {
            Assert.InRange(TimeProvider.System.GetElapsedTime(since), TimeSpan.Zero, s_promised);
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
        }
        Assert.True(await AllAsync(nodes, HttpStatusCode.OK, n => _eve.StatusAsync(grid, n, kept)));

        // One is retired: another takes its place, and its certificate is good no more.
        MasterState state = await CallAsync<MasterState>(HttpMethod.Get, MasterApi.State, null);
        await CallAsync<AdminAnswer>(HttpMethod.Post, AdminApi.Retirements, new AdminRetirement { Node = state.Nodes.First(n => n.InDns).Name });
        await _master.SaidAsync(h => h.What == "end", TimeSpan.FromSeconds(60));
        await EventuallyAsync(() => Nodes.Length == 2, TimeSpan.FromSeconds(60));
        using var control = new ControlFollower(new FolderStore(Path.Combine(_master.Data, "store"), TimeProvider.System), GridFolder.Open(_master.Data).ControlPublicKey(), TimeProvider.System, WatchedLog.Unread);
        await control.ReadAsync(default);
        Assert.Single(control.Known.Document.DeniedSerials);
        Assert.Equal(2, control.Known.Policy.Nodes);

        await CallAsync<AdminAnswer>(HttpMethod.Put, AdminApi.Hold, null);
        await EventuallyAsync(() => Nodes.Length == 0, TimeSpan.FromSeconds(30));
        int ended = _master.History.Count;
        await _master.SaidAsync(_ => _master.History.Count(h => h.What == "end") == 3, TimeSpan.FromSeconds(60));
        // A master that is killed, and the next: it goes by the same word.
        await _master.KillAsync();
        // Who comes back to members makes no invite that nobody asked for.
        Assert.Equal("", await _master.StartAsync());
        await _master.SaidAsync(h => h.Reason == "The operator retires all nodes: they go, and none is opened.", TimeSpan.FromSeconds(30), ended);
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);
        Assert.DoesNotContain(_master.History.Skip(ended), h => h.What == "launch");

        int before = _master.History.Count;
        await CommandAsync("resume");
        await _master.SaidAsync(h => h.What == "launch", TimeSpan.FromSeconds(30), before);
        await EventuallyAsync(() => Nodes.Length == 2, TimeSpan.FromSeconds(60));
    }

    private async Task<AssetKey> LayAsync()
    {
        GridFolder folder = GridFolder.Open(_master.Data);
        var key = new AssetKey(FoundingRun.World, AssetType.Sound, Guid.NewGuid());
        var store = new FolderStore(Path.Combine(_master.Data, "store"), TimeProvider.System);
        await store.PutAsync("a/" + folder.Keys.NameOf(key), SealedAsset.Seal(key, [1, 2, 3], folder.Keys.GridKey(folder.Keys.Newest, key.GridId)!, folder.Keys.Newest, 0, SealCompression.None), null, default);
        return key;
    }

    private async Task SignInAsync()
    {
        const string Told = "The admin code, shown this once: ";
        await _master.SaidAsync(h => h.Reason.StartsWith(Told, StringComparison.Ordinal), TimeSpan.FromSeconds(10));
        string code = _master.History.First(h => h.Reason.StartsWith(Told, StringComparison.Ordinal)).Reason[Told.Length..];
        using HttpResponseMessage answer = await _http.PostAsJsonAsync($"http://{_master.Private}{MasterApi.AdminSession}", new AdminSignIn { Code = code }, MasterJson.Default.AdminSignIn);
        _token = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(MasterJson.Default.AdminWelcome))!.Token;
    }

    private async Task<T> CallAsync<T>(HttpMethod method, string path, object? body)
    {
        using var ask = new HttpRequestMessage(method, $"http://{_master.Private}{path}") { Headers = { { MasterApi.TokenHeader, _token } } };
        if (body is not null) ask.Content = JsonContent.Create(body, body.GetType());
        using HttpResponseMessage answer = await _http.SendAsync(ask);
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return (await answer.Content.ReadFromJsonAsync<T>())!;
    }

    private async Task CommandAsync(params string[] words)
    {
        using Process command = Process.Start(new ProcessStartInfo(MasterProcess.Find(), [.. words, "--data", _master.Data]) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        string output = await command.StandardOutput.ReadToEndAsync(), errors = await command.StandardError.ReadToEndAsync();
        SecretWatch.Hear(errors);
        await command.WaitForExitAsync();
        Assert.True(command.ExitCode == 0, output + errors);
    }

    private static async Task<bool> AllAsync(IPEndPoint[] nodes, HttpStatusCode status, params Func<IPEndPoint, Task<HttpStatusCode>>[] asks)
    {
        foreach (IPEndPoint node in nodes)
            foreach (Func<IPEndPoint, Task<HttpStatusCode>> ask in asks)
                if (await ask(node) != status) return false;
        return true;
    }

    private IPAddress[] InDns()
    {
        try
        {
            using JsonDocument zone = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_master.Data, "zone.json")));
            return [.. zone.RootElement.GetProperty("nodes").EnumerateArray().Select(n => IPAddress.Parse(n.GetString()!))];
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return [];
        }
    }

    private async Task EventuallyAsync(Func<bool> condition, TimeSpan most)
    {
        for (TimeSpan until = _master.Clock + most; !condition(); await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System))
            Assert.True(_master.Clock < until, string.Join('\n', _master.History.TakeLast(12).Select(h => $"{h.At} {h.Node} {h.What} {h.Reason}")));
    }
}
