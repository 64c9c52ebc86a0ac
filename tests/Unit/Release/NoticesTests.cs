using System.Text;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Release;

/// <summary>Whose work ships with ours, and under which terms. To write the page anew: <c>NOTICES=write</c>.</summary>
public sealed class NoticesTests
{
    /// <summary>Terms under which a program under the MIT licence may pass others' work on in binary form, with their names and terms beside it. Any other is to be read by a person first.</summary>
    private static readonly string[] s_known = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD"];

    private static string PagePath => Path.Combine(Repository.Root, "docs", "THIRD-PARTY-NOTICES.md");

    [Fact]
    public void Every_package_that_ships_is_named_with_its_version_terms_and_authors_and_no_other()
    {
        string page = Page(ShippedPackages.Read());
        if (Environment.GetEnvironmentVariable("NOTICES") == "write") File.WriteAllText(PagePath, page);
        Assert.Equal(page, File.ReadAllText(PagePath).ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Every_package_that_ships_is_under_terms_that_somebody_has_read()
    {
        IReadOnlyList<ShippedPackage> shipped = ShippedPackages.Read();
        Assert.Contains(shipped, p => p.Name == "AWSSDK.S3");
        Assert.DoesNotContain(shipped, p => p.Name.Contains("Analyzer", StringComparison.Ordinal));
        Assert.All(shipped, p => Assert.Contains(p.License, s_known));
    }

    private static string Page(IReadOnlyList<ShippedPackage> shipped)
    {
        var text = new StringBuilder("""
            # Third-party notices

            The programs of GlobalCache ([MIT](../LICENSE)) ship with these packages, each under its authors' own terms: [MIT](https://spdx.org/licenses/MIT.html) or
            [Apache-2.0](https://spdx.org/licenses/Apache-2.0.html), whose texts and notices lie in the packages themselves. SQLite, inside `SQLitePCLRaw.lib.e_sqlite3`, is in the public domain.
            The list is made from the lock files and the packages' own words, and a test compares it (`NoticesTests`). What only builds or tests this repository is not in it; nor is `infra`,
            which whoever deploys builds for themselves with Pulumi's packages (Apache-2.0).

            | package | version | terms | authors |
            |---|---|---|---|

            """.ReplaceLineEndings("\n"));
        foreach (ShippedPackage package in shipped) text.Append("| ").Append(package.Name).Append(" | ").Append(package.Version).Append(" | ").Append(package.License).Append(" | ").Append(package.Authors).Append(" |\n");
        return text.ToString();
    }
}
