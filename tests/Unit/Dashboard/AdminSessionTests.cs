using System.Net;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Master.Dashboard;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Dashboard;

/// <summary>Who is the operator.</summary>
public sealed class AdminSessionTests
{
    private const string Code = "the code " + SecretWatch.Mark;
    private static readonly DateTimeOffset s_now = new(2026, 3, 6, 12, 0, 0, TimeSpan.Zero);
    private static readonly IPAddress s_peer = IPAddress.Parse("198.51.100.7");

    private readonly AdminSession _sessions;
    private byte[] _hash = SHA256.HashData(Encoding.UTF8.GetBytes(Code));

    public AdminSessionTests() => _sessions = new AdminSession(() => _hash);

    [Fact]
    public void The_code_opens_a_session_and_nothing_else_does()
    {
        Assert.Null(_sessions.SignIn("another", s_peer, s_now).Session);
        Assert.Null(_sessions.SignIn("", s_peer, s_now).Session);
        string session = _sessions.SignIn(Code, s_peer, s_now).Session!;
        Assert.True(_sessions.Knows(session, s_now));
        Assert.False(_sessions.Knows(session[..^1], s_now));
        Assert.False(_sessions.Knows("", s_now));
        Assert.False(_sessions.Knows(null, s_now));
    }

    [Fact]
    public void Without_a_code_nobody_gets_in()
    {
        var none = new AdminSession(null);
        Assert.False(none.CanSignIn);
        Assert.Null(none.SignIn("", s_peer, s_now).Session);
        Assert.Null(none.SignIn(Code, s_peer, s_now).Session);
    }

    [Fact]
    public void It_ends_twelve_hours_after_the_last_call()
    {
        string session = _sessions.SignIn(Code, s_peer, s_now).Session!;
        Assert.True(_sessions.Knows(session, s_now.AddHours(11.9)));
        Assert.True(_sessions.Knows(session, s_now.AddHours(23.8)));
        Assert.False(_sessions.Knows(session, s_now.AddHours(36)));
        Assert.False(_sessions.Knows(session, s_now.AddHours(23.9)));
    }

    [Fact]
    public void With_another_code_in_force_the_one_before_opens_nothing_and_what_it_opened_is_over()
    {
        string session = _sessions.SignIn(Code, s_peer, s_now).Session!;
        _hash = SHA256.HashData("another code"u8);
        Assert.False(_sessions.Knows(session, s_now));
        Assert.Null(_sessions.SignIn(Code, s_peer, s_now).Session);
        Assert.True(_sessions.Knows(_sessions.SignIn("another code", s_peer, s_now).Session, s_now));
    }

    [Fact]
    public void It_ends_when_the_operator_says_so()
    {
        string session = _sessions.SignIn(Code, s_peer, s_now).Session!;
        _sessions.SignOut(session);
        Assert.False(_sessions.Knows(session, s_now));
    }

    [Fact]
    public void An_address_has_five_wrong_tries_in_any_minute_and_a_right_one_waits_behind_them()
    {
        for (int i = 0; i < AdminSession.MostTries; i++) Assert.Null(_sessions.SignIn("wrong", s_peer, s_now.AddSeconds(i * 10)).RetryAfter);
        SignInAnswer sixth = _sessions.SignIn(Code, s_peer, s_now.AddSeconds(50));
        Assert.Null(sixth.Session);
        Assert.Equal(TimeSpan.FromSeconds(10), sixth.RetryAfter);
        Assert.NotNull(_sessions.SignIn(Code, IPAddress.Parse("198.51.100.8"), s_now.AddSeconds(50)).Session);
        Assert.NotNull(_sessions.SignIn(Code, s_peer, s_now.AddSeconds(60)).Session);
        Assert.NotNull(_sessions.SignIn(Code, s_peer, s_now.AddSeconds(60)).Session);
        Assert.Null(_sessions.SignIn("x", s_peer, s_now.AddSeconds(61)).RetryAfter);
        Assert.NotNull(_sessions.SignIn("x", s_peer, s_now.AddSeconds(62)).RetryAfter);
        for (int i = 0; i < 3 * AdminSession.MostTries; i++) Assert.NotNull(_sessions.SignIn(Code, IPAddress.Parse("198.51.100.9"), s_now).Session);
    }

    [Fact]
    public void Any_number_of_addresses_takes_bounded_memory_and_tries()
    {
        byte[] address = [198, 51, 0, 0];
        int heard = 0;
        for (int i = 0; i < 6000; i++)
        {
            (address[2], address[3]) = ((byte)(i >> 8), (byte)i);
            for (int tries = 0; tries < 2; tries++) if (_sessions.SignIn("wrong", new IPAddress(address), s_now).RetryAfter is null) heard++;
        }

        // Those beyond the table share five.
        Assert.Equal((4096 * 2) + AdminSession.MostTries, heard);
        Assert.NotNull(_sessions.SignIn(Code, IPAddress.Parse("203.0.113.1"), s_now.AddMinutes(2)).Session);
    }

    [Fact]
    public void The_oldest_session_goes_when_there_are_too_many()
    {
        List<string> all = [];
        for (int i = 0; i < 17; i++) all.Add(_sessions.SignIn(Code, new IPAddress(i + 1), s_now.AddSeconds(i)).Session!);
        Assert.False(_sessions.Knows(all[0], s_now.AddMinutes(1)));
        Assert.All(all.Skip(1), s => Assert.True(_sessions.Knows(s, s_now.AddMinutes(1))));
    }

    [Fact]
    public void A_sessions_token_is_its_own()
    {
        string one = _sessions.SignIn(Code, s_peer, s_now).Session!, other = _sessions.SignIn(Code, s_peer, s_now).Session!;
        Assert.True(AdminSession.IsTokenOf(one, AdminSession.TokenOf(one)));
        Assert.False(AdminSession.IsTokenOf(one, AdminSession.TokenOf(other)));
        Assert.False(AdminSession.IsTokenOf(one, one));
        Assert.False(AdminSession.IsTokenOf(one, null));
    }
}
