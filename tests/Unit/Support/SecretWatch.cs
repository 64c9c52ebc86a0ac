using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit.v3;

[assembly: AssemblyFixture(typeof(GlobalCache.Tests.Support.SecretWatch))]
[assembly: GlobalCache.Tests.Support.NoSecretLogged]

namespace GlobalCache.Tests.Support;

/// <summary>
/// Every line that the product writes to a log, in any test, here or in a process of its own, is looked at for secrets; where one holds any, the test in which it was
/// written fails, or all do where it was in none. What the product draws, and what grids and viewers draw, is known by its look: nothing of that look is ever
/// to be logged, whatever it is. What has no look of its own, such as an admin code that somebody has chosen, the tests make with <see cref="Mark"/> in it.
/// </summary>
public sealed partial class SecretWatch : IDisposable
{
    /// <summary>Stands in every secret that a test makes up.</summary>
    internal const string Mark = "5ec2e7";

    private static readonly ConcurrentQueue<Leak> s_leaks = new();

    /// <summary>Takes a line, or several, of a log.</summary>
    internal static void Hear(string said) => Hear(said, null);

    /// <summary>The same, of a log that a test has made.</summary>
    internal static void Hear(string said, string? test)
    {
        if (SecretIn(said) is { } secret) s_leaks.Enqueue(new Leak(TestContext.Current.Test?.UniqueID ?? test, secret, said));
    }

    /// <summary>Takes what nodes have written that a master has started as processes, wherever below this folder.</summary>
    internal static void HearNodes(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*.log", SearchOption.AllDirectories))
            foreach (string line in File.ReadLines(file)) Hear(line);
    }

    /// <summary>What looks like a secret; null: nothing does.</summary>
    internal static string? SecretIn(string said)
    {
        // Where an exception passed names methods and source files alone.
        Match found = Looks().Match(Passed().Replace(said, ""));
        return found.Success ? found.Value : null;
    }

    /// <summary>Fails if there was a secret in a line of such a test and no test has failed of it.</summary>
    internal static void Judge(Func<string?, bool> test)
    {
        Leak[] found = [.. s_leaks.Where(l => !l.Told && test(l.Test))];
        foreach (Leak leak in found) leak.Told = true;
        if (found.Length > 0) Assert.Fail($"Secrets stand in {found.Length} lines of logs, such as {found[0].Secret} in: {found[0].Said}");
    }

    /// <summary>Beside the tests' own lines there are those of what outlives a test or is made before it.</summary>
    public void Dispose() => Judge(_ => true);

    private sealed record Leak(string? Test, string Secret, string Said)
    {
        public bool Told { get; set; }
    }

    [GeneratedRegex(@"^ +at .*$", RegexOptions.Multiline, 1000)]
    private static partial Regex Passed();

    /// <summary>In this order: a session, a capability or an asset; keys, hashes and tokens in hex; the same and invites, codes and JWTs in base64; a password's hash; a key file; a capability; what is marked.</summary>
    [GeneratedRegex("""
        [0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}
        | [0-9A-Fa-f]{24,}
        | (?<![\w+-]) (?=[\w+-]*[0-9]) (?=[\w+-]*[a-z]) (?=[\w+-]*[A-Z]) [\w+-]{20,}
        | [A-Za-z0-9+/]{43}=
        | \$1\$\w+
        | PRIVATE\ KEY
        | https?://[^/\s]+/(?!status\b)[^\s"'.,;)]+
        | 5ec2e7
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Looks();
}

/// <summary>No test has written a secret to a log.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class NoSecretLoggedAttribute : BeforeAfterTestAttribute
{
    public override void After(MethodInfo methodUnderTest, IXunitTest test) => SecretWatch.Judge(id => id == test.UniqueID);
}
