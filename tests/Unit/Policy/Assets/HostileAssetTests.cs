using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Tests.Policy.Assets;

/// <summary>T50: what is made to cost memory or time is refused, and nearly nothing is allocated over it.</summary>
public sealed class HostileAssetTests
{
    [Fact]
    public void T50_A_mesh_that_says_404_is_refused() =>
        Refused(AssetType.Mesh, Mesh(("404", 0, 0)), "a negative answer");

    [Theory]
    [InlineData(-1, 20, "a negative offset or size")]
    [InlineData(0, -20, "a negative offset or size")]
    [InlineData(int.MaxValue, int.MaxValue, "a block passes the end")]
    public void T50_A_mesh_block_outside_the_file_is_refused(int offset, int size, string reason) =>
        Refused(AssetType.Mesh, Mesh(("high_lod", offset, size)), reason);

    [Fact]
    public void T50_Mesh_blocks_that_overlap_are_refused()
    {
        byte[] block = Zlib(new byte[100]);
        byte[] good = [.. Mesh(("low_lod", 0, block.Length), ("high_lod", block.Length, block.Length)), .. block, .. block];
        Assert.Equal(StructureVerdict.Valid, AssetStructure.Check(AssetType.Mesh, good).Verdict);
        byte[] bad = [.. Mesh(("low_lod", 0, block.Length), ("high_lod", block.Length - 1, block.Length)), .. block, .. block];
        Refused(AssetType.Mesh, bad, "blocks overlap");
    }

    [Fact]
    public void T50_A_zip_bomb_is_refused()
    {
        byte[] bomb = Zlib(new byte[(64 << 20) + 1]);
        Refused(AssetType.Mesh, [.. Mesh(("high_lod", 0, bomb.Length)), .. bomb]);
        // Each within its own bound, together not.
        byte[] third = Zlib(new byte[44 << 20]);
        Refused(AssetType.Mesh, [.. Mesh(("low_lod", 0, third.Length), ("medium_lod", third.Length, third.Length), ("high_lod", 2 * third.Length, third.Length)),
            .. third, .. third, .. third]);
    }

    [Theory]
    [InlineData(0, -1)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void A_mesh_block_must_be_exactly_one_zlib_stream(int offset, int more)
    {
        byte[] block = Zlib(new byte[100]);
        Refused(AssetType.Mesh, [.. Mesh(("high_lod", offset, block.Length + more)), .. block, 0, 0, 0]);
    }

    [Fact]
    public void A_mesh_without_a_level_of_detail_is_refused()
    {
        byte[] block = Zlib(new byte[100]);
        Refused(AssetType.Mesh, [.. Mesh(("physics_convex", 0, block.Length)), .. block], "no level of detail");
        Refused(AssetType.Mesh, Mesh(("high_lod", 0, 0)), "no level of detail");
    }

    [Fact]
    public void Bytes_behind_a_meshs_last_block_are_reported_but_no_damage()
    {
        byte[] block = Zlib(new byte[100]);
        Assert.Equal(new StructureResult(StructureVerdict.Valid, "bytes after the last block"),
            AssetStructure.Check(AssetType.Mesh, [.. Mesh(("high_lod", 0, block.Length)), .. block, 0]));
    }

    [Fact]
    public void T50_A_texture_with_65535_components_is_refused()
    {
        byte[] texture = SyntheticAssets.Texture(0, 4000, 64, 64);
        texture[40] = texture[41] = 0xFF;
        Refused(AssetType.Texture, texture, "number of components");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    public void T50_A_tile_part_that_leads_back_to_itself_is_refused(uint length)
    {
        byte[] texture = SyntheticAssets.Texture(0, 4000, 64, 64);
        BinaryPrimitives.WriteUInt32BigEndian(texture.AsSpan(texture.AsSpan().IndexOf([(byte)0xFF, (byte)0x90]) + 6), length);
        Refused(AssetType.Texture, texture, "a tile-part shorter than its header");
    }

    [Fact]
    public void T50_A_texture_of_tiny_tile_parts_is_walked_once()
    {
        byte[] one = SyntheticAssets.Texture(0, 200, 64, 64);
        int sot = one.AsSpan().IndexOf([(byte)0xFF, (byte)0x90]);
        byte[] part = [0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 14, 0, 0, 0xFF, 0x93];
        byte[] texture = [.. one[..sot], .. Enumerable.Repeat(part, 1_000_000).SelectMany(p => p), 0xFF, 0xD9];
        Assert.Equal(StructureVerdict.Valid, AssetStructure.Check(AssetType.Texture, texture).Verdict);
    }

    [Fact]
    public void A_texture_without_end_marker_or_with_a_wrong_last_length_is_incomplete()
    {
        byte[] texture = SyntheticAssets.Texture(0, 4000, 64, 64);
        Assert.Equal(StructureVerdict.Incomplete, AssetStructure.Check(AssetType.Texture, texture.AsSpan(0, 3998)).Verdict);
        Assert.Equal(StructureVerdict.Incomplete, AssetStructure.Check(AssetType.Texture, texture.AsSpan(0, 600)).Verdict);
        Assert.Equal(StructureVerdict.Invalid, AssetStructure.Check(AssetType.Texture, texture.AsSpan(0, 60)).Verdict);
        int length = texture.AsSpan().IndexOf([(byte)0xFF, (byte)0x90]) + 9;
        texture[length] += 5;
        Assert.Equal(StructureVerdict.Incomplete, AssetStructure.Check(AssetType.Texture, texture).Verdict);
        texture[length] -= 10;
        Assert.Equal(StructureVerdict.Incomplete, AssetStructure.Check(AssetType.Texture, texture).Verdict);
    }

    [Fact]
    public void A_few_bytes_behind_a_textures_end_are_tolerated()
    {
        byte[] texture = SyntheticAssets.Texture(2, 4000, 64, 64);
        Assert.Equal(StructureVerdict.Valid, AssetStructure.Check(AssetType.Texture, [.. texture, .. new byte[16]]).Verdict);
        Assert.NotEqual(StructureVerdict.Valid, AssetStructure.Check(AssetType.Texture, [.. texture, .. new byte[17]]).Verdict);
    }

    [Fact]
    public void A_jp2_box_is_refused() =>
        Refused(AssetType.Texture, [0, 0, 0, 12, .. "jP  "u8, 0x0D, 0x0A, 0x87, 0x0A, .. SyntheticAssets.Texture(0, 4000, 64, 64)]);

    [Theory]
    [InlineData(0x8000_0000)]
    [InlineData(0xFFFF_FFFF)]
    [InlineData(0x2000_0000)]
    public void T50_An_animation_with_more_keys_than_bytes_is_refused(uint keys)
    {
        byte[] animation = StructureSamples.Animation();
        BinaryPrimitives.WriteUInt32LittleEndian(animation.AsSpan(51), keys);
        Refused(AssetType.Animation, animation);
    }

    [Theory]
    [InlineData(8, 0x7FC00000u)]
    [InlineData(8, 0x42740000u)]
    [InlineData(13, 0x7F800000u)]
    [InlineData(37, 0u)]
    [InlineData(37, 217u)]
    [InlineData(67, 11u)]
    [InlineData(0, 2u)]
    public void An_animation_with_a_number_out_of_range_is_refused(int at, uint number)
    {
        byte[] animation = StructureSamples.Animation();
        BinaryPrimitives.WriteUInt32LittleEndian(animation.AsSpan(at), number);
        Refused(AssetType.Animation, animation);
    }

    /// <summary>Refused without allocating more than the inflater's own few buffers, whatever the asset claims to hold.</summary>
    private static void Refused(AssetType type, byte[] bytes, string? reason = null)
    {
        AssetStructure.Check(type, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        StructureResult result = AssetStructure.Check(type, bytes);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(StructureVerdict.Invalid, result.Verdict);
        if (reason is not null) Assert.Equal(reason, result.Reason);
        Assert.InRange(allocated, 0, 64 << 10);
    }

    private static byte[] Mesh(params (string Name, int Offset, int Size)[] blocks)
    {
        using var map = new MemoryStream();
        void Number(int value)
        {
            Span<byte> four = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(four, value);
            map.Write(four);
        }
        void Key(string name)
        {
            map.WriteByte((byte)'k');
            Number(name.Length);
            map.Write(Encoding.ASCII.GetBytes(name));
        }
        map.WriteByte((byte)'{');
        Number(blocks.Length);
        foreach ((string name, int offset, int size) in blocks)
        {
            Key(name);
            map.WriteByte((byte)'{');
            Number(2);
            Key("offset");
            map.WriteByte((byte)'i');
            Number(offset);
            Key("size");
            map.WriteByte((byte)'i');
            Number(size);
            map.WriteByte((byte)'}');
        }
        map.WriteByte((byte)'}');
        return map.ToArray();
    }

    private static byte[] Zlib(byte[] plain)
    {
        using var target = new MemoryStream();
        using (var zlib = new ZLibStream(target, CompressionLevel.Fastest)) zlib.Write(plain);
        return target.ToArray();
    }
}
