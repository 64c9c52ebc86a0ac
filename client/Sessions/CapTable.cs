using System.Collections.Concurrent;
using System.Security.Cryptography;
using GlobalCache.Client.Caps;

namespace GlobalCache.Client.Sessions;

/// <summary>One capability as the viewer knows it: a token that stands for a region's real URL until logout.</summary>
internal sealed class Cap(string token, Session session, Region region, CapName name, Uri real)
{
    public string Token { get; } = token;

    public Session Session { get; } = session;

    public Region Region { get; } = region;

    public CapName Name { get; } = name;

    /// <summary>The grid's own URL, with its own query if it has one.</summary>
    public Uri Real { get; } = real;
}

/// <summary>Every capability of every session by its token: 128 random bits, so that other programs on this machine cannot guess one.</summary>
internal sealed class CapTable
{
    private readonly ConcurrentDictionary<string, Cap> _byToken = new(StringComparer.Ordinal);

    public int Count => _byToken.Count;

    /// <summary>Null when no session that lives has given out <paramref name="token"/>.</summary>
    public Cap? Find(string token) => _byToken.GetValueOrDefault(token);

    /// <param name="session">Whose.</param>
    /// <param name="region">Who granted it.</param>
    /// <param name="name">What it is.</param>
    /// <param name="real">The grid's own URL.</param>
    /// <param name="token">One that the viewer has already; else a new one is made.</param>
    public Cap Add(Session session, Region region, CapName name, Uri real, string? token = null)
    {
        var cap = new Cap(token ?? NewToken(), session, region, name, real);
        _byToken[cap.Token] = cap;
        return cap;
    }

    public void Remove(Cap cap) => _byToken.TryRemove(cap.Token, out _);

    public static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
