using System.Security.Cryptography;
using System.Text;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Tests.Policy.Sealing;

/// <summary>
/// The format, frozen. The expected bytes were computed by a second implementation in another language (HKDF written out over HMAC,
/// AES-GCM and zstd of other libraries): if one of these fails, the code is wrong or the format needs a new version number.
/// </summary>
public sealed class SealedAssetVectorTests
{
    private const string Grid = "grid.example.org:8002";
    private static readonly byte[] SealKey = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] Salt = [.. Enumerable.Range(32, 32).Select(i => (byte)i)];

    private const string WithDictionary =
        "47434131010100000100000000000000dc000000202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fcdfb7f603ade9ce261de2304a6"
        + "3e1bf38075c320204aa03d4c51fc86a2f6ef5750aabffd97757be34acfbd9af4009ab7521c8218f84a27567f2b478232fb92b29a2521c0166e90ed4afd56a42537"
        + "e42b18d8d14cb17f0f71523f22867edcb0def40f659cfaf5fc81cf911d9981e9976166685888d5c407132031a6daeedbf7f69e4a403b4b700158954df5c3932a56"
        + "0e6e172ebb5ee496ebda78fce7b6bbf4ca8a1c1cec7a26f6d8";

    private static byte[] Plain(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7 + (i >> 8)))];

    private static AssetKey Key(AssetType type, int last) => new(Grid, type, Guid.Parse($"6c0ca000-0000-4000-8000-{last:x12}"));

    [Fact]
    public void The_keys_are_derived_as_frozen()
    {
        byte[] gridKey = SealKeys.DeriveGridKey(SealKey, Grid);
        Assert.Equal("498b86a35737e2a7eac49ef61fb35e39bdc5570f5e7ded365c0dd38bdd631399", Convert.ToHexStringLower(gridKey));
        byte[] contentKey = new byte[32];
        SealKeys.DeriveContentKey(gridKey, Salt, Key(AssetType.Sound, 2).Encode(), contentKey);
        Assert.Equal("ce03ab74c705062f6ab42d37f9243e5121bc36c239d4160b86173df50e086de0", Convert.ToHexStringLower(contentKey));
    }

    [Fact]
    public void One_byte_is_sealed_as_frozen() => Assert.Equal(
        "4743413101010000010000000000000098000000202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f00c3fd8f44590fdc"
        + "1d57830658270d08d70ab8cd253fc098bfb9c83f580046d19e07fe6a73eb5de1e7a231485381431d8010d9f881f3fcf490df1ff8a692dbea71765d4e"
        + "defd5b122ccee0d7da3c180e72de92ac4f74b8203bccb4610d620c2a419b9b15",
        Convert.ToHexStringLower(SealedAsset.Seal(
            Key(AssetType.Texture, 1), Plain(1), SealKeys.DeriveGridKey(SealKey, Grid), 1, 0, SealCompression.None, Salt)));

    [Theory]
    [InlineData(AssetType.Sound, 2, 1000, 1u, 0u, 1188, "d54abff2cc85557f8a1077642d97ea69d1351173d1b5b58ec5c95bd95d1ef93f")]
    [InlineData(AssetType.Mesh, 3, 16336, 1u, 0u, 16484, "ad827b6a920c24c6c99261d10b692cb2442a0783cd48b97396952f2fc10c9194")]
    [InlineData(AssetType.Mesh, 3, 40000, 7u, 0x01020304u, 41092, "779be80241d480abd78076b45f794ab35e360f07ecb24c022a77b4e77a287412")]
    public void Assets_of_one_and_more_segments_are_sealed_as_frozen(
        AssetType type, int id, int length, uint keyId, uint epoch, int sealedLength, string sha256)
    {
        byte[] gridKey = SealKeys.DeriveGridKey(SealKey, Grid);
        byte[] blob = SealedAsset.Seal(Key(type, id), Plain(length), gridKey, keyId, epoch, SealCompression.None, Salt);
        Assert.Equal(sealedLength, blob.Length);
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(blob)));
        Assert.Equal(SealFault.None, SealedHeader.Read(blob, out SealedHeader header));
        Assert.Equal((keyId, epoch), (header.KeyId, header.Epoch));
        Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(Key(type, id), blob, gridKey, out byte[] plain));
        Assert.Equal(Plain(length), plain);
    }

    [Theory]
    [InlineData("47434131010100000300000009000000c4000000202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fdf8400d686a5f7a0ac1b"
        + "bf7b5ff4230e8409ee2f1f9a59d2321ec644f408e860a64f181168417e11acb5a60e1696a37d52eccf95ef929c6b2928edad4d249f30b65a38b906a2bc692f"
        + "b924f84c0b78ac242842ecd7b251d74e21c08e70ab5b636be306935fe086a2b158b8b294067afe1a18af839fe93b4f7d688c272a07068be6fa47d85cfd0ba8"
        + "741785b33ba02e2a")]
    [InlineData("47434131010100000300000009000000cc000000202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fdf8400d686a5f7a0ac1b"
        + "bf7b5ff4230e8409ee2f1f9a59d2321ec644f408e860a64f181168417e11b0b5a60e1696a37d52eccf95ef929c6b2928edad4d249f30b65a38b906a2bc692f"
        + "b924f84c0b78ac242842ecd3b251d74e21c08e70ab5b636be306935fe086a2b158b8b294067afe1a18af839fe93b4f7d688c272a07ad559971536dac467e62"
        + "03b9fbd961cc9ae46f73f92aa59ae81b")]
    public void An_asset_compressed_elsewhere_without_and_with_checksum_is_opened(string hex)
    {
        AssetKey key = new("agni", AssetType.Animation, Guid.Parse("6c0ca000-0000-4000-8000-00000000002a"));
        byte[] gridKey = SealKeys.DeriveGridKey(SealKey, "agni");
        Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(key, Convert.FromHexString(hex), gridKey, out byte[] plain));
        Assert.Equal(string.Concat(Enumerable.Repeat("the same words again and again, ", 64)), Encoding.ASCII.GetString(plain));
    }

    // What was sealed with a dictionary must open for ever: a number never means other bytes.
    [Fact]
    public void An_animation_coded_with_the_first_dictionary_is_opened()
    {
        string[] joints = ["mPelvis", "mTorso", "mChest", "mNeck", "mHead", "mCollarLeft", "mShoulderLeft", "mElbowLeft", "mWristLeft", "mHipLeft", "mKneeLeft", "mAnkleLeft"];
        byte[] plain = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(string.Concat(joints.Select(j => j + "\0\u0003\0\0\0\u0001\0\0\0")), 4)));
        AssetKey key = new("agni", AssetType.Animation, Guid.Parse("6c0ca000-0000-4000-8000-00000000002b"));
        byte[] gridKey = SealKeys.DeriveGridKey(SealKey, "agni");
        Assert.Equal("9b683d03b4098f3a463501c5f277982bfb2aff8d2175057f22f730ca550c85cf", Convert.ToHexStringLower(SHA256.HashData(SealDictionaries.Read(SealDictionaries.Animation1))));
        byte[] blob = Convert.FromHexString(WithDictionary);
        Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(key, blob, gridKey, out byte[] opened));
        Assert.Equal(plain, opened);
        Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(key, SealedAsset.Seal(key, plain, gridKey, 1, 0, SealCompression.WhereItSaves, Salt), gridKey, out opened));
        Assert.Equal(plain, opened);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(9, 10)]
    [InlineData(49, 52)]
    [InlineData(100, 104)]
    [InlineData(1000, 1024)]
    [InlineData(16384, 16384)]
    [InlineData(16385, 17408)]
    [InlineData(30000, 30720)]
    [InlineData(131120, 135168)]
    [InlineData(16777264, 17301504)]
    [InlineData(67108912, 69206016)]
    public void Padme_rounds_as_published(int length, int padded) => Assert.Equal(padded, Padme.Round(length));
}
