using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Policy.Assets;

/// <summary>The samples of PROTOCOL §7.5, byte by byte.</summary>
public sealed class StructureSamples
{
    private const string OggFirstPage =
        "4F67675300020000000000000000341200000000" + "0000B3F9DC9A011E01766F7262697300000000" + "0144AC00000000000080BB000000000000B801";

    internal static byte[] Animation() => Convert.FromHexString(
        "01000000" + "03000000" + "0000803F" + "00" + "00000000" + "0000803F" + "01000000" + "9A99993E" + "9A99993E" + "00000000" + "01000000"
        + "6D4865616400" + "03000000" + "01000000" + "0000FF7FFF7FFF7F" + "00000000" + "00000000");

    [Fact]
    public void The_animation_of_71_bytes_is_valid_and_may_have_four_more()
    {
        byte[] animation = Animation();
        Assert.Equal(71, animation.Length);
        Assert.Equal(new StructureResult(StructureVerdict.Valid, ""), AssetStructure.Check(AssetType.Animation, animation));
        Assert.Equal(StructureVerdict.Valid, AssetStructure.Check(AssetType.Animation, [.. animation, 0, 0, 0, 0]).Verdict);
        Assert.Equal(StructureVerdict.Invalid, AssetStructure.Check(AssetType.Animation, [.. animation, 0, 0, 0, 0, 0]).Verdict);
    }

    [Fact]
    public void A_legacy_animation_spends_a_float_for_each_number()
    {
        byte[] key = [.. Animation()[55..63], .. new byte[8]];
        byte[] legacy = [0, 0, 1, 0, .. Animation()[4..55], .. new byte[16], .. Animation()[63..]];
        Assert.Equal(16, key.Length);
        Assert.Equal(StructureVerdict.Valid, AssetStructure.Check(AssetType.Animation, legacy).Verdict);
        // An infinite time.
        legacy[57] = 0x80;
        legacy[58] = 0x7F;
        Assert.Equal(StructureVerdict.Invalid, AssetStructure.Check(AssetType.Animation, legacy).Verdict);
    }

    [Fact]
    public void The_first_ogg_page_has_the_right_sum_but_is_no_whole_sound()
    {
        byte[] page = Convert.FromHexString(OggFirstPage);
        Assert.Equal(58, page.Length);
        Assert.Equal("no last page", AssetStructure.Check(AssetType.Sound, page).Reason);
        page[40] ^= 1;
        Assert.Equal("a page's sum is wrong", AssetStructure.Check(AssetType.Sound, page).Reason);
    }

    [Fact]
    public void The_mesh_header_of_127_bytes_reads_as_three_keys()
    {
        byte[] header = Convert.FromHexString("7B00000003" + "6B0000000776657273696F6E" + "6900000001"
            + "6B00000008686967685F6C6F64" + "7B000000026B000000066F666673657469000000006B0000000473697A6569000003847D"
            + "6B0000000E706879736963735F636F6E766578" + "7B000000026B000000066F666673657469000003846B0000000473697A6569000000647D" + "7D");
        Assert.Equal(127, header.Length);
        var reader = new BinaryLlsdReader(header);
        int keys = 0;
        while (reader.Read())
            if (reader.Token == LlsdToken.Key && reader.Depth == 1) keys++;
        Assert.Equal((LlsdToken.None, 127, 3), (reader.Token, reader.Position, keys));
        Assert.Equal("a block passes the end", AssetStructure.Check(AssetType.Mesh, header).Reason);
    }
}
