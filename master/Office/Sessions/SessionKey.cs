using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace GlobalCache.Office.Sessions;

/// <summary>A key of sessions under its name; to check them its public half is enough.</summary>
internal sealed record SessionKey(string Id, ECDsa Key)
{
    /// <summary>Nothing signed with it is good after this.</summary>
    public DateTimeOffset GoodUntil { get; init; } = DateTimeOffset.MaxValue;

    // The library's own cache outlives us, and would go on using a key of the same name that has been disposed of.
    public ECDsaSecurityKey Jwt { get; } = new(Key) { KeyId = Id, CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false } };

    /// <summary>The name of a public key: no key can stand for another.</summary>
    public static string IdOf(ReadOnlySpan<byte> publicKey) => Convert.ToHexStringLower(SHA256.HashData(publicKey).AsSpan(0, 8));
}

/// <summary>The keys of sessions as they are now.</summary>
/// <param name="Signs">Signs new sessions; null: none may be given out now.</param>
/// <param name="Find">The key of a name; null: there is none, or its time is over.</param>
/// <param name="LookAgain">An unknown name has come: looks for newer keys. False: not now.</param>
internal sealed record SessionKeyRing(Func<SessionKey?> Signs, Func<string, SessionKey?> Find, Func<ValueTask<bool>> LookAgain)
{
    /// <summary>A ring that never changes.</summary>
    public static SessionKeyRing Of(SessionKey signs, params IReadOnlyList<SessionKey> earlier) =>
        new(() => signs, id => signs.Id == id ? signs : earlier.FirstOrDefault(k => k.Id == id), () => ValueTask.FromResult(false));
}
