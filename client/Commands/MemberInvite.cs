using GlobalCache.Client.Edge;
using Spectre.Console;

namespace GlobalCache.Client.Commands;

/// <summary>
/// <c>globalcache invite</c>: a member lets a friend into the cache grid. Whoever comes in by it is of the member's own branch: quota, and what happens to those who lie, are shared (SECURITY §4).
/// </summary>
internal sealed class MemberInvite(ClientOptions options, IAnsiConsole console, TimeProvider time)
{
    public const string Command = "invite";

    /// <exception cref="CannotStartException">With one sentence: there is no cache grid, no membership, or no invite to be had.</exception>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        await using MemberLine line = await MemberLine.OpenAsync(Command, "invite", options, time, stop);
        string invite = await line.Session.InviteAsync(stop);
        console.Profile.Out.Writer.WriteLine(invite);
        console.WriteLine("It lets in one person, within seven days. They type: globalcache join INVITE. They are of your branch: you share a quota, and answer for each other.");
        return 0;
    }
}
