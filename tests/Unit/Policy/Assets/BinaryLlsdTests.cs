using System.Text;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Policy.Assets;

public sealed class BinaryLlsdTests
{
    [Fact]
    public void Every_type_is_read_at_its_place()
    {
        byte[] bytes =
        [
            .. "<? LLSD/Binary ?>\n"u8, .. "["u8, 0, 0, 0, 10, .. "!10"u8, .. "i"u8, 0xFF, 0xFF, 0xFF, 0xFE, .. "r"u8, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0,
            .. "d"u8, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, .. "u"u8, .. Guid.Parse("6c0ca000-0000-4000-8000-000000000001").ToByteArray(bigEndian: true),
            .. "s"u8, 0, 0, 0, 2, .. "hi"u8, .. "l"u8, 0, 0, 0, 1, .. "/"u8, .. "b"u8, 0, 0, 0, 0, .. "]rest"u8,
        ];
        var seen = new StringBuilder();
        var reader = new BinaryLlsdReader(bytes);
        while (reader.Read())
        {
            seen.Append(reader.Token).Append(reader.Token switch
            {
                LlsdToken.Boolean => reader.Boolean ? "=1" : "=0",
                LlsdToken.Integer => $"={reader.Integer}",
                LlsdToken.Real or LlsdToken.Date => FormattableString.Invariant($"={reader.Real}"),
                LlsdToken.Uuid => $"={reader.Uuid}",
                LlsdToken.String or LlsdToken.Uri => $"={Encoding.UTF8.GetString(reader.Value)}@{reader.TokenStart}..{reader.Position}",
                LlsdToken.ArrayStart => $"={reader.Count}",
                _ => "",
            }).Append(' ');
        }
        Assert.Equal("ArrayStart=10 Undefined Boolean=1 Boolean=0 Integer=-2 Real=1.5 Date=1.5 Uuid=6c0ca000-0000-4000-8000-000000000001 "
            + "String=hi@66..73 Uri=/@73..79 Binary ArrayEnd ", seen.ToString());
        Assert.Equal((LlsdToken.None, bytes.Length - "rest".Length), (reader.Token, reader.Position));
    }

    [Fact]
    public void Skipping_a_key_steps_over_whatever_it_names()
    {
        byte[] bytes = [.. "{"u8, 0, 0, 0, 2, .. "k"u8, 0, 0, 0, 1, .. "a["u8, 0, 0, 0, 2, .. "{"u8, 0, 0, 0, 0, .. "}[\0\0\0\0]]k"u8, 0, 0, 0, 1, .. "b1}"u8];
        var reader = new BinaryLlsdReader(bytes);
        Assert.True(reader.Read() && reader.Read());
        Assert.True(reader.Skip());
        Assert.Equal((LlsdToken.ArrayEnd, 1), (reader.Token, reader.Depth));
        Assert.True(reader.Read() && reader.Value.SequenceEqual("b"u8) && reader.Read() && reader.Boolean && reader.Read());
        Assert.Equal((LlsdToken.MapEnd, 0, bytes.Length), (reader.Token, reader.Depth, reader.Position));
        Assert.False(reader.Read());
        Assert.Equal(LlsdToken.None, reader.Token);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("i\0\0\0")]
    [InlineData("s\0\0\0\u0002a")]
    [InlineData("s\u00ff\u00ff\u00ff\u00ff")]
    [InlineData("[\u00ff\u00ff\u00ff\u00ff1")]
    [InlineData("[\0\0\0\u00011}")]
    [InlineData("[\0\0\0\u000111]")]
    [InlineData("{\0\0\0\u0001s\0\0\0\u0001a1}")]
    [InlineData("{\0\0\0\u0001k\0\0\0\u0001a}")]
    [InlineData("}")]
    public void A_malformed_document_ends_as_malformed(string text)
    {
        var reader = new BinaryLlsdReader(Encoding.Latin1.GetBytes(text));
        while (reader.Read()) { }
        Assert.Equal(LlsdToken.Malformed, reader.Token);
        Assert.False(reader.Read());
        Assert.Equal(LlsdToken.Malformed, reader.Token);
    }

    [Fact]
    public void Depth_is_bounded_however_deep_the_document()
    {
        byte[] nested(int depth) =>
            [.. Enumerable.Range(0, depth).SelectMany(_ => (byte[])[(byte)'[', 0, 0, 0, 1]), (byte)'!', .. Enumerable.Repeat((byte)']', depth)];
        var deep = new BinaryLlsdReader(nested(BinaryLlsdReader.MaxDepth));
        while (deep.Read()) { }
        Assert.Equal(LlsdToken.None, deep.Token);

        byte[] tooDeep = nested(100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new BinaryLlsdReader(tooDeep);
        while (reader.Read()) { }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal((LlsdToken.Malformed, BinaryLlsdReader.MaxDepth), (reader.Token, reader.Depth));
    }
}
