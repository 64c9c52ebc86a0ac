using GlobalCache.Office.Control;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Tests.Node.Control;

/// <summary>Which certificates are denied, and for how long.</summary>
public sealed class DenialsTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 11, 16, 0, 0, TimeSpan.Zero);
    private static readonly ControlDocument s_empty = new() { Sequence = 1, Issued = s_now };

    [Fact]
    public void A_certificate_is_denied_until_it_has_expired_by_any_clock_and_then_forgotten()
    {
        ControlDocument one = Denials.With(s_empty, "5A01", s_now);
        Assert.Same(one, Denials.With(one, "5A01", s_now));
        Assert.Same(one, Denials.With(one, "", s_now));
        Assert.Equal(["5A01"], Denials.Of(one, s_now.AddHours(47)));
        Assert.Empty(Denials.Of(one, s_now.AddHours(48)));
        Assert.Empty(Denials.Of(null, s_now));
        Assert.Equal(["5A02"], Denials.With(one, "5A02", s_now.AddHours(48)).DeniedSerials.Select(d => d.Serial));
        Assert.True(new ControlView(one, null).Denies("5A01"));
        Assert.False(new ControlView(one, null).Denies("5A02"));
    }

    [Fact]
    public void For_one_too_many_the_one_that_expires_first_is_forgotten()
    {
        ControlDocument full = s_empty;
        for (int i = 0; i <= ControlDocument.MaxSerials; i++) full = Denials.With(full, $"{i:X8}", s_now.AddSeconds(i));
        Assert.Equal(ControlDocument.MaxSerials, full.DeniedSerials.Count);
        Assert.DoesNotContain("00000000", Denials.Of(full, s_now));
        Assert.True(new ControlDocumentValidator().Validate(full).IsValid);
        Assert.False(new ControlDocumentValidator().Validate(s_empty with { DeniedSerials = [new DeniedCertificate { Serial = "no", Until = s_now }] }).IsValid);
    }
}
