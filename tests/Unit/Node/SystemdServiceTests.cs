using GlobalCache.Office.Serving;

namespace GlobalCache.Tests.Node;

public sealed class SystemdServiceTests
{
    [Theory]
    [InlineData("30000000", null, 30)]
    [InlineData("30000000", "", 30)]
    [InlineData("30000000", "41", 30)]
    [InlineData("500000", "41", 0.5)]
    public void A_watchdog_that_waits_for_this_process_is_fed(string period, string? process, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), SystemdService.WatchdogPeriod(period, process, 41));

    [Theory]
    [InlineData(null, null)]
    [InlineData("", "41")]
    [InlineData("0", "41")]
    [InlineData("-5", "41")]
    [InlineData("a minute", "41")]
    [InlineData("99999999999999999999", "41")]
    [InlineData("30000000", "42")]      // a child that has inherited the words meant for its parent
    public void No_other_is(string? period, string? process) => Assert.Null(SystemdService.WatchdogPeriod(period, process, 41));
}
