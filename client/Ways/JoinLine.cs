namespace GlobalCache.Client.Ways;

/// <summary>The command line of <c>join</c>, which starts nothing and so takes none of the other options.</summary>
/// <param name="Invite">As it was handed over.</param>
/// <param name="GridFile">See <c>--grid</c>; null: fetched.</param>
internal sealed record JoinLine(string Invite, string? GridFile)
{
    public const string Command = "join";

    public const string Usage = "join takes one invite, and at most --grid FILE: globalcache join INVITE [--grid FILE]";

    /// <summary>Null: not understood; <see cref="Usage"/> says how it is meant.</summary>
    public static JoinLine? Read(IReadOnlyList<string> args)
    {
        string? invite = null, file = null;
        for (int i = 1; i < args.Count; i++)
        {
            if (args[i] == "--grid" && file is null && i + 1 < args.Count) file = args[++i];
            else if (!args[i].StartsWith('-') && invite is null) invite = args[i];
            else return null;
        }
        return args is [Command, ..] && invite is not null ? new JoinLine(invite, file) : null;
    }
}
