using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Policy.Assets;

public sealed class AssetStructureTests
{
    public static TheoryData<AssetType> Types => [.. Enum.GetValues<AssetType>()];

    [Theory]
    [MemberData(nameof(Types))]
    public void T49_A_thousand_good_samples_are_accepted_and_every_truncation_is_not(AssetType type)
    {
        for (int seed = 0; seed < 1000; seed++)
        {
            byte[] good = Sample(type, seed);
            StructureResult result = AssetStructure.Check(type, good);
            Assert.True(result == new StructureResult(StructureVerdict.Valid, ""), $"seed {seed}: {result}");

            var random = new Random(seed);
            for (int i = 0; i < 10; i++)
            {
                int length = random.Next(good.Length);
                Assert.True(AssetStructure.Check(type, good.AsSpan(0, length)).Verdict != StructureVerdict.Valid, $"seed {seed} cut at {length}");
            }
        }
    }

    [Theory]
    [InlineData(AssetType.Sound)]
    [InlineData(AssetType.Mesh)]
    public void T49_One_flipped_byte_is_rejected(AssetType type)
    {
        for (int seed = 0; seed < 1000; seed++)
        {
            byte[] bytes = Sample(type, seed);
            // A mesh's map has no sum; its blocks have.
            int first = 0;
            if (type == AssetType.Mesh)
            {
                var map = new BinaryLlsdReader(bytes);
                while (map.Read()) { }
                first = map.Position;
            }
            int at = new Random(seed).Next(first, bytes.Length);
            bytes[at] ^= 0xFF;
            Assert.True(AssetStructure.Check(type, bytes).Verdict == StructureVerdict.Invalid, $"seed {seed}, byte {at}");
        }
    }

    [Fact]
    public void A_generator_gives_exactly_the_size_asked_for_and_the_same_bytes_again()
    {
        foreach (int size in (int[])[800, 801, 4139, 65_536, 65_811, 200_000])
        {
            Assert.Equal(size, SyntheticAssets.Texture(1, size, 256, 128).Length);
            Assert.Equal(size, SyntheticAssets.Sound(2, size).Length);
            Assert.Equal(size, SyntheticAssets.Mesh(3, size).Length);
            Assert.Equal(SyntheticAssets.Mesh(4, size), SyntheticAssets.Mesh(4, size));
            Assert.NotEqual(SyntheticAssets.Mesh(4, size), SyntheticAssets.Mesh(6, size));
        }
    }

    [Theory]
    [InlineData(AssetType.Texture, "6c0ca000-0000-4000-8000-000000000001")]
    [InlineData(AssetType.Texture, "6c0ca000-0000-4000-8000-000000000002")]
    [InlineData(AssetType.Texture, "6c0ca000-0000-4000-8000-000000000003")]
    [InlineData(AssetType.Sound, "6c0ca000-0000-4000-8000-000000000011")]
    [InlineData(AssetType.Sound, "6c0ca000-0000-4000-8000-000000000012")]
    [InlineData(AssetType.Animation, "6c0ca000-0000-4000-8000-000000000021")]
    [InlineData(AssetType.Animation, "6c0ca000-0000-4000-8000-000000000022")]
    [InlineData(AssetType.Mesh, "6c0ca000-0000-4000-8000-000000000031")]
    public void Recorded_assets_of_a_real_grid_are_valid(AssetType type, string uuid)
    {
        byte[] recorded = Repository.Asset(uuid);
        Assert.Equal(new StructureResult(StructureVerdict.Valid, ""), AssetStructure.Check(type, recorded));
        foreach (AssetType other in Enum.GetValues<AssetType>())
            if (other != type) Assert.Equal(StructureVerdict.Invalid, AssetStructure.Check(other, recorded).Verdict);
    }

    [Fact]
    public void Random_and_damaged_bytes_never_throw()
    {
        var random = new Random(49);
        foreach (AssetType type in Enum.GetValues<AssetType>())
        {
            Assert.Equal(StructureVerdict.Invalid, AssetStructure.Check(type, []).Verdict);
            Assert.Equal(StructureVerdict.Invalid, AssetStructure.Check(type, "<html><body>404 Not Found</body></html>"u8).Verdict);
            for (int i = 0; i < 2000; i++)
            {
                var noise = new byte[random.Next(300)];
                random.NextBytes(noise);
                AssetStructure.Check(type, noise);

                byte[] damaged = Sample(type, i % 50);
                for (int flips = random.Next(1, 8); flips > 0; flips--) damaged[random.Next(Math.Min(damaged.Length, 400))] = (byte)random.Next(256);
                AssetStructure.Check(type, damaged);
            }
        }
    }

    [Fact]
    public void More_bytes_than_the_type_allows_are_refused()
    {
        byte[] texture = SyntheticAssets.Texture(0, AssetType.Texture.MaxBytes() + 1, 1024, 1024);
        Assert.Equal(StructureVerdict.Invalid, AssetStructure.Check(AssetType.Texture, texture).Verdict);
        Assert.Equal(StructureVerdict.Valid, AssetStructure.Check(AssetType.Texture, SyntheticAssets.Texture(0, texture.Length - 1, 1024, 1024)).Verdict);
    }

    private static byte[] Sample(AssetType type, int seed)
    {
        int size = 800 + (int)((uint)seed * 2654435761u % 9000);
        return type switch
        {
            AssetType.Texture => SyntheticAssets.Texture(seed, size, 16 << (seed % 7), 16 << (seed % 5)),
            AssetType.Sound => SyntheticAssets.Sound(seed, size),
            AssetType.Animation => SyntheticAssets.Animation(seed, 1 + (seed % 30)),
            _ => SyntheticAssets.Mesh(seed, size),
        };
    }
}
