using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace GlobalCache.Policy.Cloud;

/// <summary>What is asked of AWS: one action on one resource. A call that concerns several, as RunInstances does, is several of these, and all must be allowed.</summary>
/// <param name="Action">Such as <c>ec2:RunInstances</c>.</param>
/// <param name="Resource">Its ARN; <c>*</c> where the action has none.</param>
/// <param name="Context">The condition keys that AWS knows for it. A key without a value is not there.</param>
public sealed record IamCall(string Action, string Resource, IReadOnlyDictionary<string, ImmutableArray<string>> Context);

/// <summary>What AWS says to it, and why: the name of the statement that decided, or what kept the nearest one from allowing it.</summary>
/// <param name="IsAllowed">Something allows it, and nothing denies it.</param>
/// <param name="Statement">Name of the statement that allows or denies, or came nearest; empty: none is about this action.</param>
/// <param name="Reason">For people: <c>allowed</c>, <c>denied</c>, <c>action</c>, <c>resource</c>, or the condition that does not hold, as <c>Operator key</c>.</param>
public sealed record IamVerdict(bool IsAllowed, string Statement, string Reason);

/// <summary>
/// Evaluates policy documents as AWS does (IAM user guide, “Policy evaluation logic” and “IAM JSON policy elements: Condition operators”), as far as this product's
/// documents need it, so that what they refuse can be shown without an account. What it does not know throws: an evaluator that guesses shows nothing.
/// </summary>
public static class IamEvaluator
{
    private static readonly FrozenSet<string> s_operators = new[]
    {
        "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike", "ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike",
        "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "Bool",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>One word on one call. A deny anywhere wins; without an allow it is refused.</summary>
    /// <param name="documents">All that apply to the caller.</param>
    /// <param name="call">What is asked.</param>
    /// <exception cref="NotSupportedException">A condition's operator is not known here.</exception>
    public static IamVerdict Evaluate(IEnumerable<IamDocument> documents, IamCall call)
    {
        var context = new Dictionary<string, ImmutableArray<string>>(StringComparer.OrdinalIgnoreCase);
        foreach ((string key, ImmutableArray<string> values) in call.Context)
        {
            if (!values.IsDefaultOrEmpty) context[key] = values;
        }

        IamVerdict? allowed = null, denied = null;
        var nearest = new IamVerdict(false, "", "action");
        int reached = 0;
        foreach (IamStatement statement in documents.SelectMany(d => d.Statements))
        {
            if (!statement.Actions.Any(a => Like(a, call.Action, ignoreCase: true))) continue;
            bool named = statement.Resources.Any(r => Like(r, call.Resource));
            string? unmet = null;
            int met = 0;
            foreach (IamCondition condition in statement.Conditions)
            {
                // Every condition is looked at, so that one that is not understood is found by any call.
                if (Holds(condition, context)) met++;
                else unmet ??= $"{condition.Operator} {condition.Key}";
            }

            if (named && unmet is null && statement.Effect == IamEffect.Deny) denied ??= new IamVerdict(false, statement.Sid, "denied");
            else if (named && unmet is null) allowed ??= new IamVerdict(true, statement.Sid, "allowed");
            else if (statement.Effect == IamEffect.Allow && (named ? 2 + met : 1) > reached)
                (reached, nearest) = (named ? 2 + met : 1, new IamVerdict(false, statement.Sid, named ? unmet! : "resource"));
        }

        return denied ?? allowed ?? nearest;
    }

    private static bool Holds(IamCondition condition, Dictionary<string, ImmutableArray<string>> context)
    {
        string name = condition.Operator;
        bool there = context.TryGetValue(condition.Key, out ImmutableArray<string> values);
        if (name == "Null") return condition.Values.Any(v => string.Equals(v, "true", StringComparison.OrdinalIgnoreCase) != there);
        bool all = name.StartsWith("ForAllValues:", StringComparison.Ordinal), any = name.StartsWith("ForAnyValue:", StringComparison.Ordinal);
        if (all || any) name = name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..];
        bool ifExists = name.EndsWith("IfExists", StringComparison.Ordinal);
        if (ifExists) name = name[..^"IfExists".Length];
        if (!s_operators.Contains(name)) throw new NotSupportedException($"The condition {condition.Operator} is not known.");
        bool negated = name.Contains("Not", StringComparison.Ordinal);
        string plain = negated ? name.Replace("Not", "", StringComparison.Ordinal) : name;
        // An absent key: nothing contradicts “all of them” (which is why Null stands beside it), there is none of “any of them”, and “is not” holds.
        if (!there) return all || ifExists || (negated && !any);
        bool One(string value) => condition.Values.Any(wanted => Matches(plain, wanted, value)) != negated;
        // Several values under an operator for one are not defined by AWS; here they must all hold.
        return any ? values.Any(One) : values.All(One);
    }

    private static bool Matches(string operation, string wanted, string value) => operation switch
    {
        "StringEquals" => string.Equals(wanted, value, StringComparison.Ordinal),
        "StringEqualsIgnoreCase" or "Bool" => string.Equals(wanted, value, StringComparison.OrdinalIgnoreCase),
        "StringLike" => Like(wanted, value),
        "ArnEquals" or "ArnLike" => ArnLike(wanted, value),
        _ => double.TryParse(wanted, CultureInfo.InvariantCulture, out double limit) && double.TryParse(value, CultureInfo.InvariantCulture, out double number) && operation switch
        {
            "NumericEquals" => number == limit,
            "NumericLessThan" => number < limit,
            "NumericLessThanEquals" => number <= limit,
            "NumericGreaterThan" => number > limit,
            _ => number >= limit,
        },
    };

    /// <summary>ARNs are compared part by part: a wildcard does not reach over a colon, but in the last part.</summary>
    private static bool ArnLike(string pattern, string arn)
    {
        string[] wanted = pattern.Split(':', 6), parts = arn.Split(':', 6);
        return wanted.Length == 6 && parts.Length == 6 && wanted.Zip(parts).All(p => Like(p.First, p.Second));
    }

    /// <summary><c>*</c> is any number of characters, <c>?</c> is one. In time proportional to both lengths, whatever is asked.</summary>
    private static bool Like(string pattern, string text, bool ignoreCase = false)
    {
        int p = 0, t = 0, star = -1, from = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*') (star, from) = (p++, t);
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t] || (ignoreCase && char.ToUpperInvariant(pattern[p]) == char.ToUpperInvariant(text[t])))) (p, t) = (p + 1, t + 1);
            else if (star >= 0) (p, t) = (star + 1, ++from);
            else return false;
        }

        return pattern.AsSpan(p).IndexOfAnyExcept('*') < 0;
    }
}
