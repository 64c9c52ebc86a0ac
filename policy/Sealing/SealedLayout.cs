using GlobalCache.Policy.Assets;

namespace GlobalCache.Policy.Sealing;

/// <summary>
/// Where the segments of a sealed asset lie: the padded stream is cut into pieces of 16 384 bytes, the last holds 1 … 16 384,
/// and each is followed by its tag of 16 bytes (SECURITY §1). Pure arithmetic on lengths.
/// </summary>
/// <param name="StreamLength">Bytes of inner header, coded bytes and padding; 1 or more.</param>
public readonly record struct SealedLayout(int StreamLength)
{
    /// <summary>Stream bytes in every segment but the last.</summary>
    public const int SegmentBytes = 16_384;

    /// <summary>Bytes of the tag behind each segment.</summary>
    public const int TagBytes = 16;

    /// <summary>Bytes of a full segment in the sealed asset.</summary>
    public const int SealedSegmentBytes = SegmentBytes + TagBytes;

    /// <summary>Segments of the stream.</summary>
    public int SegmentCount => (StreamLength + SegmentBytes - 1) / SegmentBytes;

    /// <summary>Bytes of the whole sealed asset: header, segments, tags.</summary>
    public int SealedLength => SealedHeader.Length + StreamLength + SegmentCount * TagBytes;

    /// <summary>Stream bytes in segment <paramref name="index"/>.</summary>
    public int StreamBytesOf(int index) => index == SegmentCount - 1 ? StreamLength - index * SegmentBytes : SegmentBytes;

    /// <summary>Where segment <paramref name="index"/> begins in the sealed asset.</summary>
    public static int SealedOffsetOf(int index) => SealedHeader.Length + index * SealedSegmentBytes;

    /// <summary>The layout for <paramref name="codedLength"/> coded bytes, padded.</summary>
    public static SealedLayout ForCoded(int codedLength) => new(Padme.Round(InnerHeader.Length + codedLength));

    /// <summary>
    /// The layout of a sealed asset of <paramref name="sealedLength"/> bytes. False when no sealed asset has that length: too
    /// short for an inner header and one coded byte, longer than any could be, or a last segment without a byte.
    /// </summary>
    public static bool TryFromSealedLength(int sealedLength, out SealedLayout layout)
    {
        layout = default;
        int body = sealedLength - SealedHeader.Length;
        if (body <= InnerHeader.Length + TagBytes) return false;
        int segments = (int)(((long)body + SealedSegmentBytes - 1) / SealedSegmentBytes);
        int stream = body - segments * TagBytes;
        if (stream > 1 << 30 || stream <= (segments - 1) * SegmentBytes) return false;
        layout = new SealedLayout(stream);
        return true;
    }

    /// <summary>The longest sealed asset of a type: what a reader compares a stated length with before it allocates anything.</summary>
    public static int MaxSealedLength(AssetType type) => ForCoded(type.MaxBytes()).SealedLength;
}
