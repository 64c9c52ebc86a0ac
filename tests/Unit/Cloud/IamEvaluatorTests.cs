using System.Text.Json;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Tests.Cloud;

/// <summary>What AWS' user guide says of conditions, sentence by sentence.</summary>
public sealed class IamEvaluatorTests
{
    [Theory]
    [InlineData("StringEquals", "a", "a", true)]
    [InlineData("StringEquals", "a", "A", false)]
    [InlineData("StringEquals", "a*", "ab", false)]
    [InlineData("StringEquals", "a", null, false)]
    [InlineData("StringNotEquals", "a", "b", true)]
    [InlineData("StringNotEquals", "a", null, true)]
    [InlineData("StringEqualsIgnoreCase", "a", "A", true)]
    [InlineData("StringEqualsIfExists", "a", null, true)]
    [InlineData("StringEqualsIfExists", "a", "b", false)]
    [InlineData("StringLike", "a*c?", "abbbcd", true)]
    [InlineData("StringLike", "a*c?", "abbbc", false)]
    [InlineData("StringNotLike", "a*", "ab", false)]
    [InlineData("ArnEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x", true)]
    [InlineData("ArnLike", "arn:aws:*:1:role/x", "arn:aws:iam::1:role/x", false)]
    [InlineData("ArnLike", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", true)]
    [InlineData("ArnNotEquals", "arn:aws:iam::1:role/x", "arn:aws:iam::1:role/y", true)]
    [InlineData("Bool", "true", "True", true)]
    [InlineData("Bool", "true", "false", false)]
    [InlineData("Bool", "true", null, false)]
    [InlineData("Null", "true", null, true)]
    [InlineData("Null", "true", "x", false)]
    [InlineData("Null", "false", "x", true)]
    [InlineData("Null", "false", null, false)]
    [InlineData("NumericLessThanEquals", "10", "10", true)]
    [InlineData("NumericLessThanEquals", "10", "9", true)]
    [InlineData("NumericLessThanEquals", "10", "11", false)]
    [InlineData("NumericLessThanEquals", "10", "many", false)]
    [InlineData("NumericLessThan", "10", "10", false)]
    [InlineData("NumericGreaterThan", "10", "11", true)]
    [InlineData("NumericGreaterThanEquals", "10", "9", false)]
    [InlineData("NumericEquals", "10", "10.0", true)]
    [InlineData("NumericNotEquals", "10", "10.0", false)]
    [InlineData("ForAllValues:StringEquals", "a", null, true)]
    [InlineData("ForAllValues:StringEquals", "a", "b", false)]
    [InlineData("ForAnyValue:StringEquals", "a", null, false)]
    [InlineData("ForAnyValue:StringNotEquals", "a", null, false)]
    public void A_condition_holds_when_AWS_says_so(string operation, string wanted, string? value, bool holds)
    {
        IamCall call = value is null ? SampleStack.Call("s:A", "r") : SampleStack.Call("s:A", "r", ("KEY", value));
        Assert.Equal(holds, Evaluate(call, Allow(new IamCondition(operation, "key", [wanted]))).IsAllowed);
    }

    [Fact]
    public void Of_several_values_all_or_any_must_be_among_those_named()
    {
        IamCall call = SampleStack.Call("s:A", "r", ("k", "a"), ("k", "b"));
        Assert.True(Evaluate(call, Allow(new IamCondition("ForAllValues:StringEquals", "k", ["a", "b", "c"]))).IsAllowed);
        Assert.False(Evaluate(call, Allow(new IamCondition("ForAllValues:StringEquals", "k", ["a", "c"]))).IsAllowed);
        Assert.True(Evaluate(call, Allow(new IamCondition("ForAnyValue:StringEquals", "k", ["a", "c"]))).IsAllowed);
        Assert.False(Evaluate(call, Allow(new IamCondition("ForAnyValue:StringEquals", "k", ["c"]))).IsAllowed);
    }

    [Fact]
    public void A_denial_wins_over_every_permission_and_nothing_is_allowed_by_silence()
    {
        IamStatement everything = new() { Sid = "All", Actions = ["*"], Resources = ["*"] };
        IamStatement no = new() { Sid = "No", Effect = IamEffect.Deny, Actions = ["s:Delete*"], Resources = ["r/*"] };
        Assert.Equal(new IamVerdict(false, "No", "denied"), Evaluate(SampleStack.Call("s:DeleteIt", "r/1"), everything, no));
        Assert.True(Evaluate(SampleStack.Call("s:DeleteIt", "q/1"), everything, no).IsAllowed);
        Assert.False(Evaluate(SampleStack.Call("s:GetIt", "r/1"), no).IsAllowed);
        Assert.True(Evaluate(SampleStack.Call("S:getit", "r/1"), everything with { Actions = ["s:GetIt"] }).IsAllowed);
    }

    [Fact]
    public void A_refusal_names_the_statement_that_came_nearest_and_what_it_lacked()
    {
        IamStatement one = Allow(new IamCondition("Bool", "k", ["true"])) with { Sid = "One", Resources = ["r/*"] };
        Assert.Equal(new IamVerdict(false, "", "action"), Evaluate(SampleStack.Call("s:B", "r/1"), one));
        Assert.Equal(new IamVerdict(false, "One", "resource"), Evaluate(SampleStack.Call("s:A", "q"), one));
        Assert.Equal(new IamVerdict(false, "One", "Bool k"), Evaluate(SampleStack.Call("s:A", "r/1"), one));
    }

    [Fact]
    public void What_is_not_understood_is_never_taken_for_a_permission()
    {
        Assert.Throws<NotSupportedException>(() => Evaluate(SampleStack.Call("s:A", "elsewhere"), Allow(new IamCondition("IpAddress", "aws:SourceIp", ["10.0.0.0/8"]))));
        Assert.Throws<NotSupportedException>(() => Evaluate(SampleStack.Call("s:A", "r"), Allow(new IamCondition("stringequals", "k", ["a"]))));
        foreach (string json in (string[])["", "[]", "{}", """{"Version":"2008-10-17","Statement":[]}""", """{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"*","Resource":"*"}]}""",
            """{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"${aws:username}"}]}""", """{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}"""])
            Assert.ThrowsAny<JsonException>(() => IamDocument.Parse(json));
    }

    private static IamStatement Allow(IamCondition condition) => new() { Sid = "Yes", Actions = ["s:A"], Resources = ["r"], Conditions = [condition] };

    private static IamVerdict Evaluate(IamCall call, params IamStatement[] statements) => IamEvaluator.Evaluate([new IamDocument([.. statements])], call);
}
