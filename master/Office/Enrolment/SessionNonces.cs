using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using GlobalCache.Office.Keys;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>
/// Nonces for proofs of possession, each good for a minute and once on each node. A nonce carries its time and a MAC of the grid, so that asking for many costs
/// no memory, and any node takes what another has given; only those by which a client has shown its key are remembered, until they expire.
/// </summary>
internal sealed class SessionNonces(OfficeKey key)
{
    /// <summary>How long one is good.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private const int Bytes = 16, MacAt = 8, MostUsed = 65_536;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _used = [];
    private readonly Queue<(string Nonce, long Second)> _order = new();

    /// <summary>A new one: 16 bytes, base64url.</summary>
    public string Next(DateTimeOffset now)
    {
        Span<byte> nonce = stackalloc byte[Bytes];
        BinaryPrimitives.WriteUInt32BigEndian(nonce, (uint)now.ToUnixTimeSeconds());
        RandomNumberGenerator.Fill(nonce[4..MacAt]);
        Sign(nonce);
        return Base64Url.EncodeToString(nonce);
    }

    /// <summary>Whether it is the grid's and of this minute. It may have been used.</summary>
    public bool IsFresh(string nonce, DateTimeOffset now)
    {
        if (!TryRead(nonce, out long second)) return false;
        long age = now.ToUnixTimeSeconds() - second;
        // The node that gave it may be ahead of this one.
        return age > -(long)Lifetime.TotalSeconds && age < (long)Lifetime.TotalSeconds;
    }

    /// <summary>Takes it, once a proof by it has been found right. False: it is not fresh, somebody was quicker, or too many were taken in this minute.</summary>
    public bool TryUse(string nonce, DateTimeOffset now)
    {
        if (!IsFresh(nonce, now) || !TryRead(nonce, out long second)) return false;
        long expired = now.ToUnixTimeSeconds() - (long)Lifetime.TotalSeconds;
        lock (_gate)
        {
            while (_order.TryPeek(out (string Nonce, long Second) oldest) && oldest.Second <= expired) _used.Remove(_order.Dequeue().Nonce);
            if (_used.Count >= MostUsed || !_used.Add(nonce)) return false;
            _order.Enqueue((nonce, second));
            return true;
        }
    }

    private bool TryRead(string nonce, out long second)
    {
        second = 0;
        Span<byte> bytes = stackalloc byte[Bytes], own = stackalloc byte[Bytes];
        // Letters beyond the sixteen bytes would be another spelling of the same nonce.
        if (!Base64UrlBytes.TryRead(nonce, bytes) || Base64Url.EncodeToString(bytes) != nonce) return false;
        bytes.CopyTo(own);
        Sign(own);
        second = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return CryptographicOperations.FixedTimeEquals(bytes[MacAt..], own[MacAt..]);
    }

    private void Sign(Span<byte> nonce)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key.Nonces, nonce[..MacAt], mac);
        mac[..(Bytes - MacAt)].CopyTo(nonce[MacAt..]);
    }
}
