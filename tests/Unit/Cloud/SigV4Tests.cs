using System.Text;
using GlobalCache.Master.Zones;

namespace GlobalCache.Tests.Cloud;

/// <summary>
/// Signatures published by AWS: its “Signature Version 4 test suite” (aws-sig-v4-test-suite, linked from the AWS general reference until 2022; the names are its own), and the
/// worked example of the general reference (IAM ListUsers). That AWS' SDK signs alike is shown by the fakes, which check every request with this code.
/// </summary>
public sealed class SigV4Tests
{
    private const string Date = "20150830T123600Z", KeyId = "AKIDEXAMPLE", Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    [Theory]
    [InlineData("get-vanilla", "GET", "/", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
    [InlineData("get-vanilla-empty-query-key", "GET", "/", "Param1=value1", "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb")]
    [InlineData("get-vanilla-utf8-query", "GET", "/", "ሴ=bar", "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04")]
    [InlineData("get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")]
    [InlineData("get-utf8", "GET", "/ሴ", "", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")]
    [InlineData("get-header-key-duplicate", "GET", "/", "", "My-Header1:value2|My-Header1:value2|My-Header1:value1", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea")]
    [InlineData("get-header-value-order", "GET", "/", "", "My-Header1:value4|My-Header1:value1|My-Header1:value3|My-Header1:value2", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01")]
    [InlineData("get-header-value-trim", "GET", "/", "", "My-Header1: value1|My-Header2: \"a   b   c\"", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")]
    [InlineData("post-vanilla", "POST", "/", "", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    [InlineData("post-vanilla-query", "POST", "/", "Param1=value1", "", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11")]
    [InlineData("post-header-key-sort", "POST", "/", "", "My-Header1:value1", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c")]
    [InlineData("post-header-value-case", "POST", "/", "", "My-Header1:VALUE1", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d")]
    [InlineData("post-x-www-form-urlencoded", "POST", "/", "", "Content-Type:application/x-www-form-urlencoded", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a", "Param1=value1")]
    public void AWS_own_test_suite_is_signed_as_published(string name, string method, string path, string query, string headers, string signature, string body = "")
    {
        (string, string)[] all = [("Host", "example.amazonaws.com"), .. Split(headers, '|', ':'), ("X-Amz-Date", Date)];
        string signed = SigV4.Authorize(new SigV4Request(method, path, Split(query, '&', '='), all, Encoding.UTF8.GetBytes(body)), KeyId, Secret, "us-east-1", "service", Date);
        Assert.StartsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=", signed, StringComparison.Ordinal);
        Assert.True(signed.EndsWith($", Signature={signature}", StringComparison.Ordinal), $"{name}: {signed}");
    }

    [Fact]
    public void The_worked_example_of_the_general_reference_is_signed_as_published()
    {
        var request = new SigV4Request("GET", "/", [("Action", "ListUsers"), ("Version", "2010-05-08")],
            [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("Host", "iam.amazonaws.com"), ("X-Amz-Date", Date)], default);
        Assert.Equal("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, "
            + "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", SigV4.Authorize(request, KeyId, Secret, "us-east-1", "iam", Date));
    }

    [Fact]
    public void Whatever_is_changed_in_a_request_changes_its_signature()
    {
        var request = new SigV4Request("POST", "/a/b", [("x", "1")], [("Host", "h"), ("X-Amz-Date", Date)], "body"u8.ToArray());
        SigV4Request[] others =
        [
            request with { Method = "GET" }, request with { Path = "/a%2Fb" }, request with { Query = [("x", "2")] }, request with { Query = [] }, request with { Body = "bodY"u8.ToArray() },
            request with { Headers = [("Host", "i"), ("X-Amz-Date", Date)] }, request with { Headers = [("Host", "h"), ("X-Amz-Date", Date), ("x-amz-security-token", "t")] },
        ];
        HashSet<string> signatures = [.. others.Append(request).Select(r => SigV4.Authorize(r, KeyId, Secret, "us-east-1", "s", Date)), SigV4.Authorize(request, KeyId, Secret + "x", "us-east-1", "s", Date),
            SigV4.Authorize(request, KeyId, Secret, "eu-west-1", "s", Date), SigV4.Authorize(request, KeyId, Secret, "us-east-1", "t", Date), SigV4.Authorize(request, KeyId, Secret, "us-east-1", "s", "20150831T123600Z")];
        Assert.Equal(others.Length + 5, signatures.Count);
    }

    [Fact]
    public void The_date_is_that_of_Greenwich() => Assert.Equal("20150830T123600Z", SigV4.DateOf(new DateTimeOffset(2015, 8, 30, 14, 36, 0, TimeSpan.FromHours(2))));

    private static (string, string)[] Split(string text, char between, char within) =>
        text.Length == 0 ? [] : [.. text.Split(between).Select(p => (p[..p.IndexOf(within)], p[(p.IndexOf(within) + 1)..]))];
}
