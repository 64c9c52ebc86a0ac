using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Office.Enrolment;

/// <summary>
/// How often one address may knock: 60 at once, then one a second. Codes and nonces cannot be guessed anyhow; this is so that nobody keeps the node busy
/// with refusing. IPv6 by its /64, which is what one household has. Pure but for its table, which is bounded.
/// </summary>
internal sealed class AddressLimits
{
    public const int Burst = 60;

    private const int MostAddresses = 16_384;
    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    // When an address will have its whole burst again.
    private readonly Dictionary<UInt128, DateTimeOffset> _fullAt = [];
    private DateTimeOffset _sweepAt;

    /// <summary>False: too soon.</summary>
    public bool TryTake(IPAddress? address, DateTimeOffset now)
    {
        UInt128 who = KeyOf(address);
        lock (_gate)
        {
            if (!_fullAt.TryGetValue(who, out DateTimeOffset fullAt) && _fullAt.Count >= MostAddresses)
            {
                if (_sweepAt <= now) Sweep(now);
                // A table full of busy addresses: further ones share one place.
                if (_fullAt.Count >= MostAddresses) fullAt = _fullAt.GetValueOrDefault(who = UInt128.MaxValue);
            }
            if (fullAt < now) fullAt = now;
            if (fullAt - now > Refill * (Burst - 1)) return false;
            _fullAt[who] = fullAt + Refill;
            return true;
        }
    }

    private void Sweep(DateTimeOffset now)
    {
        _sweepAt = now + Refill;
        foreach ((UInt128 rested, DateTimeOffset at) in _fullAt)
        {
            if (at <= now) _fullAt.Remove(rested);
        }
    }

    /// <summary>What an address counts as.</summary>
    public static UInt128 KeyOf(IPAddress? address)
    {
        if (address is null) return 0;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        if (address.AddressFamily == AddressFamily.InterNetworkV6) bytes[8..].Clear();
        else bytes[15] = 4;
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
