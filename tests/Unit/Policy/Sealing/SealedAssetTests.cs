using CsCheck;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Tests.Policy.Sealing;

/// <summary>What is sealed comes back, whole or by ranges, whatever its length.</summary>
public sealed class SealedAssetTests
{
    private static readonly byte[] GridKey = SealKeys.DeriveGridKey(new byte[32], "agni");

    private static readonly Gen<AssetType> GenType = Gen.OneOf(AssetType.Texture, AssetType.Sound, AssetType.Animation, AssetType.Mesh);

    /// <summary>Lengths around nothing, around segment ends (a segment holds 16 384 bytes, the first 48 fewer), and between.</summary>
    private static readonly Gen<int> GenLength = Gen.OneOf(
        Gen.Int[1, 200], Gen.Int[16_330, 16_340], Gen.Int[32_715, 32_725], Gen.Int[1, 120_000]);

    private static readonly Gen<AssetKey> GenKey =
        Gen.Select(Gen.OneOf("agni", "grid.example.org:8002"), GenType, Gen.Guid, (grid, type, id) => new AssetKey(grid, type, id));

    private static readonly Gen<byte[]> GenPlain = Gen.Select(GenLength, Gen.Int, Gen.Bool, (length, seed, words) =>
    {
        byte[] plain = new byte[length];
#pragma warning disable CA5394 // Reproducible bytes, not secrets.
        new Random(seed).NextBytes(plain);
#pragma warning restore CA5394
        if (words) for (int i = 0; i < length; i++) plain[i] &= 3;
        return plain;
    });

    private static byte[] ContentKey(AssetKey key, byte[] blob)
    {
        Assert.Equal(SealFault.None, SealedHeader.Read(blob, out SealedHeader header));
        byte[] contentKey = new byte[32];
        SealKeys.DeriveContentKey(GridKey, header.Salt, key.Encode(), contentKey);
        return contentKey;
    }

    [Fact]
    public void What_is_sealed_opens_to_the_same_bytes_with_and_without_compression() =>
        Gen.Select(GenKey, GenPlain, Gen.OneOf(SealCompression.None, SealCompression.WhereItSaves)).Sample((key, plain, compression) =>
        {
            byte[] blob = SealedAsset.Seal(key, plain, GridKey, 1, 0, compression);
            Assert.True(blob.Length <= SealedLayout.MaxSealedLength(key.Type));
            Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(key, blob, GridKey, out byte[] opened));
            Assert.Equal(plain, opened);
        }, iter: 300);

    [Fact]
    public void Every_range_equals_the_slice_of_the_plain_asset() =>
        Gen.Select(GenKey, GenPlain, Gen.Double.Unit, Gen.Double.Unit).Sample((key, plain, a, b) =>
        {
            byte[] blob = SealedAsset.Seal(key, plain, GridKey, 1, 0, SealCompression.None);
            int offset = (int)(a * plain.Length), length = (int)(b * (plain.Length - offset + 1));
            byte[] range = new byte[length];
            Assert.Equal(SealFault.None, SealedAsset.OpenRange(key, blob, ContentKey(key, blob), offset, range));
            Assert.Equal(plain[offset..(offset + length)], range);
        }, iter: 300);

    [Fact]
    public void A_range_needs_only_the_first_segment_and_those_that_cover_it()
    {
        AssetKey key = new("agni", AssetType.Mesh, Guid.Empty);
        byte[] plain = new byte[100_000];
        byte[] blob = SealedAsset.Seal(key, plain, GridKey, 1, 0, SealCompression.None), contentKey = ContentKey(key, blob);
        blob[SealedLayout.SealedOffsetOf(3) + 5] ^= 1;
        byte[] range = new byte[10_000];
        Assert.Equal(SealFault.None, SealedAsset.OpenRange(key, blob, contentKey, 20_000, range));
        Assert.Equal(SealFault.None, SealedAsset.OpenRange(key, blob, contentKey, 70_000, range));
        Assert.Equal(SealFault.Tag, SealedAsset.OpenRange(key, blob, contentKey, 45_000, range));
    }

    [Fact]
    public void A_range_beyond_the_end_is_refused()
    {
        AssetKey key = new("agni", AssetType.Mesh, Guid.Empty);
        byte[] blob = SealedAsset.Seal(key, new byte[100], GridKey, 1, 0, SealCompression.None), contentKey = ContentKey(key, blob);
        Assert.Equal(SealFault.None, SealedAsset.OpenRange(key, blob, contentKey, 100, []));
        Assert.Equal(SealFault.InnerHeader, SealedAsset.OpenRange(key, blob, contentKey, 100, new byte[1]));
        Assert.Equal(SealFault.InnerHeader, SealedAsset.OpenRange(key, blob, contentKey, int.MaxValue, new byte[1]));
    }

    [Fact]
    public void No_range_of_a_compressed_asset_can_be_opened_alone()
    {
        AssetKey key = new("agni", AssetType.Animation, Guid.Empty);
        byte[] blob = SealedAsset.Seal(key, new byte[10_000], GridKey, 1, 0, SealCompression.WhereItSaves);
        Assert.Equal(SealFault.InnerHeader, SealedAsset.OpenRange(key, blob, ContentKey(key, blob), 0, new byte[1]));
    }

    [Fact]
    public void Two_sealings_of_one_asset_share_no_byte_behind_the_salt_that_would_betray_it()
    {
        AssetKey key = new("agni", AssetType.Texture, Guid.Empty);
        byte[] one = SealedAsset.Seal(key, new byte[1000], GridKey, 1, 0, SealCompression.None);
        byte[] two = SealedAsset.Seal(key, new byte[1000], GridKey, 1, 0, SealCompression.None);
        Assert.Equal(one.Length, two.Length);
        int same = one.Skip(20).Zip(two.Skip(20)).Count(p => p.First == p.Second);
        Assert.InRange(same, 0, 40);       // of 1 168; 4.6 expected by chance
    }

    [Fact]
    public void Compression_is_kept_only_where_it_saves()
    {
        byte[] noise = new byte[20_000], zeros = new byte[20_000];
        System.Security.Cryptography.RandomNumberGenerator.Fill(noise);
        int Sealed(AssetType type, byte[] plain) =>
            SealedAsset.Seal(new("agni", type, Guid.Empty), plain, GridKey, 1, 0, SealCompression.WhereItSaves).Length;
        Assert.Equal(SealedLayout.ForCoded(noise.Length).SealedLength, Sealed(AssetType.Sound, noise));
        Assert.True(Sealed(AssetType.Sound, zeros) < 400);
        Assert.True(Sealed(AssetType.Texture, zeros) < 400);
        // A texture whose middle does not compress is not tried at all.
        byte[] mixed = [.. zeros, .. noise, .. zeros];
        Assert.Equal(SealedLayout.ForCoded(mixed.Length).SealedLength, Sealed(AssetType.Texture, mixed));
        Assert.True(Sealed(AssetType.Sound, mixed) < 25_000);
        // 600 zeros would save less than 512 bytes or so: kept only at 512 and more.
        Assert.Equal(SealedLayout.ForCoded(500).SealedLength, Sealed(AssetType.Sound, new byte[500]));
    }

    [Fact]
    public void Every_layout_is_found_again_from_its_sealed_length() => GenLength.Sample(length =>
    {
        SealedLayout layout = SealedLayout.ForCoded(length);
        Assert.True(SealedLayout.TryFromSealedLength(layout.SealedLength, out SealedLayout again));
        Assert.Equal(layout, again);
        int sum = Enumerable.Range(0, layout.SegmentCount).Sum(i => layout.StreamBytesOf(i) + SealedLayout.TagBytes);
        Assert.Equal(layout.SealedLength, SealedHeader.Length + sum);
    });

    [Theory]
    [InlineData(0)]
    [InlineData((1 << 20) + 1)]
    public void Nothing_and_too_much_are_not_sealed(int length) => Assert.Throws<ArgumentException>(() =>
        SealedAsset.Seal(new("agni", AssetType.Animation, Guid.Empty), new byte[length], GridKey, 1, 0, SealCompression.None));

    [Fact]
    public void The_largest_mesh_is_sealed_and_opened()
    {
        AssetKey key = new("agni", AssetType.Mesh, Guid.Empty);
        byte[] plain = new byte[AssetType.Mesh.MaxBytes()];
        plain[^1] = 1;
        byte[] blob = SealedAsset.Seal(key, plain, GridKey, 1, 0, SealCompression.None);
        Assert.Equal(SealedLayout.MaxSealedLength(AssetType.Mesh), blob.Length);
        Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(key, blob, GridKey, out byte[] opened));
        Assert.True(plain.AsSpan().SequenceEqual(opened));
    }
}
