using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using GlobalCache.TestGrid.Regions;

namespace GlobalCache.TestGrid.Http;

/// <summary>
/// Which path is which capability of whom. Paths have OpenSimulator's form: <c>/CAPS/…0000/</c> for seeds, <c>/CE/…</c> for
/// event queues, a bare UUID for the rest. They answer on after the agent has left, as OpenSimulator's do.
/// </summary>
internal sealed partial class CapTable(StandInGrid grid)
{
    private static readonly string[] Granted =
        [.. Encoding.UTF8.GetString(GridAssets.Resource("capabilities.txt")).Split('\n').Where(l => l.Length > 0 && l[0] != '#')];

    private readonly ConcurrentDictionary<string, (Presence Presence, string Name)> byPath = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<Presence, Dictionary<string, string>> byPresence = new();

    /// <summary>Makes all capabilities of a presence and says its seed's URL.</summary>
    public string Grant(Presence presence)
    {
        string seed = $"/CAPS/{Guid.NewGuid()}0000";
        byPath[seed] = (presence, "Seed");
        var urls = new Dictionary<string, string>();
        foreach (string name in Granted)
        {
            string path = name == "EventQueueGet" ? $"/CE/{Guid.NewGuid()}" : $"/{Guid.NewGuid()}";
            byPath[path] = (presence, name);
            urls[name] = grid.Base + path;
        }

        byPresence[presence] = urls;
        return grid.Base + seed + "/";
    }

    public bool TryFind(string path, out Presence presence, out string name)
    {
        bool found = byPath.TryGetValue(path.TrimEnd('/'), out (Presence Presence, string Name) cap);
        (presence, name) = cap;
        return found;
    }

    /// <summary>The reply to a seed request: what is asked for and granted. Unknown names are feature flags and no error.</summary>
    public string SeedReply(Presence presence, string request)
    {
        var asked = Names().Matches(request).Select(m => m.Groups["name"].Value).ToHashSet();
        var reply = new StringBuilder("<llsd><map>");
        foreach ((string name, string url) in byPresence[presence])
        {
            if (asked.Contains(name)) reply.Append($"<key>{name}</key><string>{url}</string>");
        }

        return reply.Append("</map></llsd>").ToString();
    }

    [GeneratedRegex("<string>(?<name>[^<]*)</string>", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Names();
}
