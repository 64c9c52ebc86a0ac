using System.Text;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Assets;

namespace GlobalCache.Tests.Policy;

/// <summary>What is said of a call that failed holds nothing of what came back.</summary>
public sealed class HttpTroubleTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\nGC-Asset-Key 5ec2e7", "", "5ec2e7")]
    [InlineData("5ec2e7", "", "5ec2e7")]
    [InlineData("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", "no length but 5ec2e7\r\n", "35-65-63-32-65-37")]
    public async Task An_answer_that_is_no_HTTP_is_not_quoted(string head, string body, string quoted)
    {
        await using RawOrigin origin = new((_, _) => (head, Encoding.ASCII.GetBytes(body), true));
        using var http = new HttpClient();
        Exception e = await Assert.ThrowsAnyAsync<Exception>(() => http.GetByteArrayAsync(origin.Url, TestContext.Current.CancellationToken));
        // As .NET says it; else there would be nothing to mend.
        Assert.Contains(quoted, e.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("an answer that is not HTTP", HttpTrouble.Reason(e));
    }

    [Fact]
    public async Task What_hinders_a_call_is_said()
    {
        Uri gone;
        await using (RawOrigin origin = new((_, _) => ("", [], true))) gone = origin.Url;
        using var http = new HttpClient();
        Assert.Equal("Connection refused", HttpTrouble.Reason(await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetByteArrayAsync(gone, TestContext.Current.CancellationToken))));
        Assert.Equal("no answer in time", HttpTrouble.Reason(new TaskCanceledException()));
    }
}
