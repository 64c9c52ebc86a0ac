using System.Net;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Which hosts are the grid's own: those under its login host's domain and under the domains the user names. Only for these may a
/// private root vouch, a certificate name its host in the old way, and a tunnel lead to a private address (PROTOCOL §2.4).
/// </summary>
internal sealed class GridDomains
{
    private readonly string[] _domains;

    public GridDomains(Uri loginUri, IEnumerable<string> named)
    {
        string login = loginUri.IdnHost.ToLowerInvariant();
        _domains = [login, .. DomainsOf(login), .. named.Select(d => d.Trim('.').ToLowerInvariant())];
    }

    /// <summary>Whether <paramref name="host"/> (a name or an address literal) is one of the domains or lies under one.</summary>
    public bool Contains(string host)
    {
        host = host.Trim('[', ']').TrimEnd('.');
        bool literal = IPAddress.TryParse(host, out _);
        foreach (string domain in _domains)
        {
            if (host.Equals(domain.Trim('[', ']'), StringComparison.OrdinalIgnoreCase)) return true;
            if (!literal && host.Length > domain.Length && host[^(domain.Length + 1)] == '.'
                && host.EndsWith(domain, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    private static string[] DomainsOf(string login)
    {
        if (IPAddress.TryParse(login.Trim('[', ']'), out _)) return [];
        // Second Life's simulators moved to a domain of their own; its login host did not.
        if (login.EndsWith(".lindenlab.com", StringComparison.Ordinal)) return ["lindenlab.com", "secondlife.com", "secondlife.io"];
        string[] labels = login.Split('.');
        // login.example.org → example.org, but never a whole registry's domain: neither org nor (of example.co.uk) co.uk.
        bool registry = labels.Length == 3 && labels[2].Length == 2 && labels[1].Length <= 3;
        return labels.Length >= 3 && !registry ? [string.Join('.', labels[1..])] : [];
    }
}
