using System.CommandLine;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node.Enrolment;

/// <summary>The operator's commands on a data folder, beside a node that has it open.</summary>
public sealed class GridCommandsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-commands-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Who_is_invited_comes_in_is_listed_and_is_shut_out()
    {
        GridFolder grid = GridFolder.OpenOrCreate(_folder, new GridFacts { Port = 12443 }, _time.GetUtcNow());
        var node = new EnrolmentDesk(Store(_folder), grid.Office, _time, WatchedLog.Unread);

        (int code, string output, string errors) = await RunAsync("invite");
        Assert.Equal((0, ""), (code, errors));
        Assert.True(InviteText.TryParse(output.Split('\n')[0], out InviteText? invite));
        Assert.Equal(InviteText.FingerprintOf(grid.Authority), invite.Fingerprint);
        Assert.Contains(GridFolder.GridJson(_folder), output, StringComparison.Ordinal);
        string client = (await node.EnrolAsync(invite.Code, "key", default))!, branch = node.Roll.Clients[client].Branch;

        (_, output, _) = await RunAsync("members");
        Assert.Contains($"client {client} branch {branch}", output, StringComparison.Ordinal);
        Assert.DoesNotContain(invite.Code, output, StringComparison.Ordinal);
        (_, output, _) = await RunAsync("invite", "--below", client);
        Assert.True(InviteText.TryParse(output.Split('\n')[0], out InviteText? below));
        string friend = (await node.EnrolAsync(below.Code, "friend's key", default))!;
        Assert.Equal(branch, node.Roll.Clients[friend].Branch);

        (code, _, errors) = await RunAsync("revoke", Roll.InviteId(invite.Code));
        Assert.Equal(2, code);
        Assert.Contains("revoke that client instead", errors, StringComparison.Ordinal);
        Assert.Contains(client, errors, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("revoke", client)).Code);
        Assert.True((await node.RefreshAsync(default)).IsRevoked(client, branch));
        Assert.False(node.Roll.IsRevoked(friend, branch));
        Assert.Contains($"client {client} branch {branch} since 2026-11-22 12:00 revoked", (await RunAsync("members")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("revoke", branch)).Code);
        Assert.Equal(0, (await RunAsync("revoke", branch)).Code);
        Assert.True((await node.RefreshAsync(default)).IsRevoked(friend, branch));
        (code, _, errors) = await RunAsync("invite", "--below", friend);
        Assert.Equal(2, code);
        Assert.NotEqual("", errors);
    }

    [Fact]
    public async Task Who_is_trusted_says_so_in_its_next_session_until_it_is_not()
    {
        GridFolder grid = GridFolder.OpenOrCreate(_folder, new GridFacts { Port = 12443 }, _time.GetUtcNow());
        var node = new EnrolmentDesk(Store(_folder), grid.Office, _time, WatchedLog.Unread);
        Assert.True(InviteText.TryParse((await RunAsync("invite")).Output.Split('\n')[0], out InviteText? invite));
        string client = (await node.EnrolAsync(invite.Code, "key", default))!;
        Assert.False((await node.FindAsync(client, default))!.Value.Member.Trusted);

        Assert.Equal(0, (await RunAsync("trust", client, "on")).Code);
        Assert.True((await node.FindAsync(client, default))!.Value.Member.Trusted);
        Assert.Contains(" trusted", (await RunAsync("members")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("trust", client, "on")).Code);
        Assert.Equal(0, (await RunAsync("trust", client, "off")).Code);
        Assert.False((await node.FindAsync(client, default))!.Value.Member.Trusted);

        Assert.Equal(0, (await RunAsync("revoke", client)).Code);
        (int code, _, string errors) = await RunAsync("trust", client, "on");
        Assert.Equal(2, code);
        Assert.Contains("see members", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_grid_or_with_an_id_nobody_has_there_is_one_clear_sentence()
    {
        (int code, _, string errors) = await RunAsync("invite");
        Assert.Equal(2, code);
        Assert.Contains("start the node once", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        GridFolder.OpenOrCreate(_folder, new GridFacts { Port = 12443 }, _time.GetUtcNow());
        (code, _, errors) = await RunAsync("revoke", "nobody");
        Assert.Equal(2, code);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    private static FolderStore Store(string folder) => new(Path.Combine(folder, "store"), TimeProvider.System);

    private async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        var data = new Option<string>("--data") { Recursive = true };
        var root = new RootCommand { data };
        foreach (Command command in GridCommands.Of(data, Store, _time, WatchedLog.Unread)) root.Add(command);
        using StringWriter output = new(), errors = new();
        int code = await root.Parse([.. args, "--data", _folder]).InvokeAsync(new InvocationConfiguration { Output = output, Error = errors });
        return (code, output.ToString(), errors.ToString());
    }
}
