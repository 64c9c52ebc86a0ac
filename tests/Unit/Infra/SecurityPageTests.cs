using System.Reflection;
using System.Text.RegularExpressions;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Infra;

/// <summary>What docs/SECURITY.md and docs/COMPATIBILITY.md say is shown, is shown by a test of that name.</summary>
public sealed partial class SecurityPageTests
{
    [Theory]
    [InlineData("SECURITY.md", 50)]
    [InlineData("COMPATIBILITY.md", 20)]
    public void Every_test_that_the_page_names_is_there(string name, int least)
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", name));
        string[] named = [.. Names().Matches(page).Select(m => m.Groups["name"].Value).Distinct()];
        Assert.True(named.Length >= least, $"{named.Length} tests are named");
        HashSet<string> there = [.. typeof(SecurityPageTests).Assembly.GetTypes().SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(m => m.GetCustomAttributes().Any(a => a is FactAttribute)).Select(m => m.Name)];
        Assert.All(named, n => Assert.Contains(n, there));
    }

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+){2,})`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Names();
}
