using CsCheck;
using GlobalCache.Client.Assets;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Tests.Assets;

public sealed class RangeTests
{
    [Theory]
    [InlineData("bytes=0-599", 0, 600)]
    [InlineData("Bytes=599-16791", 599, 16792)]
    [InlineData("bytes=599-", 599, long.MaxValue)]
    [InlineData(" bytes=0-0 ", 0, 1)]
    [InlineData("bytes=007-008", 7, 9)]
    [InlineData("bytes=0-99999999999999999999", 0, long.MaxValue)]
    public void A_single_range_is_understood(string header, long from, long end) =>
        Assert.Equal(new ByteRange(RangeKind.Single, from, end), ByteRange.Parse(header));

    [Theory]
    [InlineData("")]
    [InlineData("bytes")]
    [InlineData("bytes=")]
    [InlineData("bytes=-")]
    [InlineData("bytes=-500")]
    [InlineData("bytes=5-4")]
    [InlineData("bytes=0-1,3-4")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=1-2-3")]
    [InlineData("bytes=+1-2")]
    [InlineData("bytes=1 - 2")]
    [InlineData("lines=1-2")]
    [InlineData("bytes=٣-٤")]
    public void Every_other_header_is_odd(string header) => Assert.Equal(RangeKind.Odd, ByteRange.Parse(header).Kind);

    [Fact]
    public void Several_range_headers_are_odd() => Assert.Equal(RangeKind.Odd, ByteRange.Parse(new StringValues(["bytes=0-1", "bytes=2-3"])).Kind);

    [Fact]
    public void T31_A_206_is_never_shorter_than_what_is_there_and_never_longer_than_asked() =>
        Gen.Select(Gen.Long[0, 200], Gen.Long[0, 200], Gen.Long[1, 150]).Sample((a, length, total) =>
        {
            Slice slice = ByteRange.Parse($"bytes={a}-{a + length}").Of(total);
            if (a >= total) return slice == new Slice(false, new Interval(0, total), total);
            return slice.Partial && slice.Bytes.Start == a && slice.Bytes.Length == Math.Min(length + 1, total - a);
        });

    [Fact]
    public void Random_headers_never_throw_and_always_stay_within_the_asset() =>
        Gen.String[Gen.Char["bytes=0123456789-, \t٣"], 0, 30].Sample(text =>
        {
            foreach (string header in (string[])[text, "bytes=" + text])
            {
                Interval bytes = ByteRange.Parse(header).Of(1000).Bytes;
                Assert.True(bytes is { Start: >= 0, End: <= 1000 } && !bytes.IsEmpty);
            }
        });
}
