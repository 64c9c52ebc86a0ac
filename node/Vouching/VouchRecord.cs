using System.Buffers.Binary;

namespace GlobalCache.Node.Vouching;

/// <summary>Where an asset stands.</summary>
internal enum VouchState : byte
{
    /// <summary>Not public: claims are being gathered.</summary>
    Open,

    /// <summary>Public under one hash.</summary>
    Agreed,

    /// <summary>Public, but contradicted.</summary>
    Contested,

    /// <summary>Decided to be no longer public; the tombstone may not be in place yet.</summary>
    Withdrawn,
}

/// <summary>How sure it is that a public asset is what it is taken for: the less, the oftener it is withheld as a check (SECURITY §4).</summary>
internal enum Standing : byte
{
    Settled,

    /// <summary>Public for less than a day.</summary>
    Fresh,

    Contested,
}

/// <summary>All that is known about one asset's bytes: the object <c>v/&lt;name&gt;</c> before it is sealed (SECURITY §4). Immutable.</summary>
internal sealed record VouchRecord
{
    public const int MaxClaims = 32;

    private const byte Format = 1;
    private const int HeaderBytes = 1 + 4 + 4 + 1 + 1 + 4 + 4 + 4 + 32 + 4;
    private const int ClaimBytes = 8 + 8 + 8 + 8 + 2 + 1;

    /// <summary>What there is before the first claim.</summary>
    public static VouchRecord Empty { get; } = new();

    /// <summary>Rises with every change.</summary>
    public uint Revision { get; init; }

    /// <summary>How often the asset has been withdrawn; the blob and the tombstone that belong to it carry the same.</summary>
    public uint Epoch { get; init; }

    public VouchState State { get; init; }

    /// <summary>The agreed SHA-256; empty before.</summary>
    public ReadOnlyMemory<byte> Hash { get; init; }

    public IReadOnlyList<KeptClaim> Claims { get; init; } = [];

    /// <summary>Confirmations since the asset became public, or since the contest began.</summary>
    public int Confirms { get; init; }

    /// <summary>Independent contradictions since the contest began.</summary>
    public int Denies { get; init; }

    /// <summary>When the last claim was counted, in minutes since 1970.</summary>
    public uint LastMinute { get; init; }

    /// <summary>When the asset became public, in minutes since 1970; 0 while it is not. What has been public for less than a day is fresh, and checked oftener.</summary>
    public uint PublicMinute { get; init; }

    public bool IsPublic => State is VouchState.Agreed or VouchState.Contested;

    public bool Agrees(ReadOnlySpan<byte> hash) => IsPublic && Hash.Span.SequenceEqual(hash);

    /// <summary>How sure it is.</summary>
    public Standing StandingAt(DateTimeOffset now) => State == VouchState.Contested ? Standing.Contested
        : PublicMinute > 0 && now.ToUnixTimeSeconds() / 60 < PublicMinute + (24 * 60) ? Standing.Fresh : Standing.Settled;

    /// <summary>At most 4 KiB.</summary>
    public byte[] Encode()
    {
        byte[] bytes = new byte[HeaderBytes + (Claims.Count * ClaimBytes)];
        Span<byte> at = bytes;
        at[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(at[1..], Revision);
        BinaryPrimitives.WriteUInt32LittleEndian(at[5..], Epoch);
        at[9] = (byte)State;
        at[10] = (byte)Claims.Count;
        BinaryPrimitives.WriteInt32LittleEndian(at[11..], Confirms);
        BinaryPrimitives.WriteInt32LittleEndian(at[15..], Denies);
        BinaryPrimitives.WriteUInt32LittleEndian(at[19..], LastMinute);
        Hash.Span.CopyTo(at[23..]);
        BinaryPrimitives.WriteUInt32LittleEndian(at[55..], PublicMinute);
        at = at[HeaderBytes..];
        foreach (KeptClaim claim in Claims)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(at, claim.Branch);
            BinaryPrimitives.WriteUInt64LittleEndian(at[8..], claim.Net);
            BinaryPrimitives.WriteUInt64LittleEndian(at[16..], claim.Origin);
            BinaryPrimitives.WriteUInt64LittleEndian(at[24..], claim.Hash8);
            BinaryPrimitives.WriteUInt16LittleEndian(at[32..], claim.Day);
            at[34] = (byte)claim.Marks;
            at = at[ClaimBytes..];
        }
        return bytes;
    }

    /// <summary>False: another format, or not as long as it says.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out VouchRecord record)
    {
        record = Empty;
        if (bytes.Length < HeaderBytes || bytes[0] != Format || bytes[9] > (byte)VouchState.Withdrawn || bytes[10] > MaxClaims
            || bytes.Length != HeaderBytes + (bytes[10] * ClaimBytes)) return false;
        var claims = new KeptClaim[bytes[10]];
        ReadOnlySpan<byte> at = bytes[HeaderBytes..];
        for (int i = 0; i < claims.Length; i++, at = at[ClaimBytes..])
        {
            claims[i] = new KeptClaim(
                BinaryPrimitives.ReadUInt64LittleEndian(at), BinaryPrimitives.ReadUInt64LittleEndian(at[8..]), BinaryPrimitives.ReadUInt64LittleEndian(at[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(at[24..]), BinaryPrimitives.ReadUInt16LittleEndian(at[32..]), (ClaimMarks)at[34]);
        }
        var state = (VouchState)bytes[9];
        record = new VouchRecord
        {
            Revision = BinaryPrimitives.ReadUInt32LittleEndian(bytes[1..]),
            Epoch = BinaryPrimitives.ReadUInt32LittleEndian(bytes[5..]),
            State = state,
            Claims = claims,
            Confirms = BinaryPrimitives.ReadInt32LittleEndian(bytes[11..]),
            Denies = BinaryPrimitives.ReadInt32LittleEndian(bytes[15..]),
            LastMinute = BinaryPrimitives.ReadUInt32LittleEndian(bytes[19..]),
            PublicMinute = BinaryPrimitives.ReadUInt32LittleEndian(bytes[55..]),
            Hash = state is VouchState.Agreed or VouchState.Contested ? bytes.Slice(23, 32).ToArray() : default,
        };
        return true;
    }
}
