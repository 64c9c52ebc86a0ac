using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Sessions;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node;

public sealed class SessionTokensTests : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256), _other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly SessionIdentity _who = new("c1", "b1", new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero), "the client's key", Uploader: true);

    [Fact]
    public async Task A_session_says_who_asks_until_it_expires_on_a_clock_two_minutes_slow()
    {
        SessionTokens tokens = Tokens("grid.example", new("k1", _key));
        string token = tokens.Issue(_who)!.Token;

        Assert.Equal(_who, await tokens.VerifyAsync(token));
        _time.Advance(SessionTokens.Lifetime + TimeSpan.FromSeconds(119));
        Assert.Equal(_who, await tokens.VerifyAsync(token));
        Assert.Equal(_who, await Tokens("grid.example", new("k1", _key)).VerifyAsync(token));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await tokens.VerifyAsync(token));
        Assert.Null(await tokens.VerifyAsync(token));
        Assert.Null(await Tokens("grid.example", new("k1", _key)).VerifyAsync(token));
    }

    [Fact]
    public async Task Sessions_of_an_earlier_key_are_good_and_those_of_other_keys_names_and_grids_are_not()
    {
        string token = Tokens("grid.example", new("k1", _key)).Issue(_who)!.Token;

        Assert.NotNull(await Tokens("grid.example", new("k2", _other), new SessionKey("k1", _key)).VerifyAsync(token));
        Assert.Null(await Tokens("grid.example", new("k1", _other)).VerifyAsync(token));
        Assert.Null(await Tokens("grid.example", new("k2", _key)).VerifyAsync(token));
        Assert.Null(await Tokens("other.example", new("k1", _key)).VerifyAsync(token));
    }

    [Fact]
    public async Task A_public_half_is_enough_to_check()
    {
        string token = Tokens("grid.example", new("k1", _key)).Issue(_who)!.Token;
        using ECDsa half = ECDsa.Create();
        half.ImportSubjectPublicKeyInfo(_key.ExportSubjectPublicKeyInfo(), out _);

        Assert.Equal(_who, await Tokens("grid.example", new("k2", _other), new SessionKey("k1", half)).VerifyAsync(token));
    }

    [Theory]
    [InlineData("""{"alg":"none","kid":"k1"}""")]
    [InlineData("""{"alg":"HS256","kid":"k1"}""")]
    [InlineData("""{"alg":"ES384","kid":"k1"}""")]
    [InlineData("""{"alg":"ES256"}""")]
    [InlineData("""{"alg":"ES256","kid":"k1","enc":"A256GCM"}""")]
    public async Task Another_algorithm_or_no_key_id_is_no_session(string header)
    {
        SessionTokens tokens = Tokens("grid.example", new("k1", _key));
        string payload = tokens.Issue(_who)!.Token.Split('.')[1];
        string signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{payload}";
        byte[] publicKey = _key.ExportSubjectPublicKeyInfo(), bytes = Encoding.ASCII.GetBytes(signed);
        byte[] signature = header.Contains("HS256") ? HMACSHA256.HashData(publicKey, bytes) : _key.SignData(bytes, HashAlgorithmName.SHA256);
        if (!header.Contains("enc")) Assert.Null(await tokens.VerifyAsync($"{signed}.{Base64Url.EncodeToString(signature)}"));
        Assert.Null(await tokens.VerifyAsync($"{signed}."));
    }

    [Fact]
    public async Task Whatever_else_comes_is_no_session_and_no_fault()
    {
        SessionTokens tokens = Tokens("grid.example", new("k1", _key));
        string token = tokens.Issue(_who)!.Token;

        foreach (string odd in (string[])["", ".", "..", "a.b.c", token[1..], token[..^8], token + "x", token + token, new string('a', 4000), token.ToUpperInvariant()])
            Assert.Null(await tokens.VerifyAsync(odd));
        Assert.NotNull(await tokens.VerifyAsync(token));
    }

    public void Dispose()
    {
        _key.Dispose();
        _other.Dispose();
    }

    private SessionTokens Tokens(string host, SessionKey signs, params SessionKey[] earlier) => new(host, signs, earlier, _time);
}
