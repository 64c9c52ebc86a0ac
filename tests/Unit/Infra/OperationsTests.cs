using System.Text.RegularExpressions;
using GlobalCache.Master;
using GlobalCache.Policy.Cloud;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Infra;

/// <summary>Every command of docs/OPERATIONS.md, held against the program that it is for: what is named there is there. What needs AWS or Pulumi's engine is not run.</summary>
public sealed partial class OperationsTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OPERATIONS.md"));

    private static readonly string[] s_lines = [.. Blocks().Matches(s_page).SelectMany(b => b.Groups["text"].Value.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n')).Select(l => l.Trim()).Where(l => l.Length > 0)];

    /// <summary>What the page needs to be installed, and what a shell has itself.</summary>
    private static readonly string[] s_programs = ["export", "dotnet", "pulumi", "aws", "dig", "while", "done"];

    private static readonly string[] s_pulumi =
    [
        "login --local", "stack init", "stack output", "stack rm", "config set", "config rm", "preview", "up", "up --replace", "state unprotect --all --yes", "destroy",
    ];

    private static readonly string[] s_aws = ["ec2 describe-images", "ec2 deregister-image", "ssm delete-parameters", "s3api list-object-versions", "s3api copy-object", "s3api delete-objects", "s3 rm"];

    [Fact]
    public void Every_command_of_ours_is_one_that_the_master_takes()
    {
        string[] ours = [.. s_lines.Where(l => l.Contains("dotnet run", StringComparison.Ordinal))];
        Assert.True(ours.Length >= 14, $"{ours.Length} commands");
        foreach (string line in ours)
        {
            Match said = Ours().Match(line);
            Assert.True(said.Success, line);
            string words = said.Groups["words"].Value.Replace("$(pulumi stack output masterAddress)", "203.0.113.7", StringComparison.Ordinal).Replace("$ZONE", "cache.example.org", StringComparison.Ordinal);
            CommandLine read = CommandLine.Read(words.Split(" > ")[0].Split(' '), TimeProvider.System, WatchedLog.Unread);
            Assert.True(read.Errors.Count == 0 && read.Errand is not null, $"{line}: {string.Join(' ', read.Errors)}");
        }
    }

    [Fact]
    public void Every_program_is_one_that_the_page_says_is_needed_and_every_verb_one_that_was_looked_up()
    {
        foreach (string line in s_lines)
        {
            Assert.Contains(line.Split(' ')[0], s_programs);
            foreach (Match call in Calls().Matches(line))
            {
                string rest = call.Groups["rest"].Value;
                Assert.True((call.Groups["program"].Value == "aws" ? s_aws : s_pulumi).Any(verb => (rest + " ").StartsWith(verb + " ", StringComparison.Ordinal)), call.Value);
            }
        }
    }

    [Fact]
    public void Every_setting_output_parameter_and_bucket_that_it_names_is_there()
    {
        string[] settings = [.. Settings().Matches(s_page).Select(m => m.Groups["name"].Value).Distinct()];
        Assert.True(settings.Length >= 7, string.Join(' ', settings));
        string example = File.ReadAllText(Path.Combine(Repository.Root, "Pulumi.example.yaml"));
        Assert.All(settings, name => Assert.Contains($"\n  globalcache:{name}:", example, StringComparison.Ordinal));

        Pulumi.Recording up = SampleRun.Run();
        string[] outputs = [.. Outputs().Matches(s_page).Select(m => m.Groups["name"].Value).Distinct()];
        Assert.Equal(["image", "masterAddress", "nameServers"], outputs.Order());
        Assert.All(outputs, name => Assert.Contains(name, up.Outputs.Keys));

        var parameters = new StackParameters("$STACK");
        string[] named = [.. Parameters().Matches(s_page).Select(m => m.Value).Distinct()];
        Assert.Equal(new[] { parameters.NodeKeys, parameters.Office, parameters.Report }.Order(), named.Order());

        string[] buckets = [.. up.Resources.Where(r => r.Type == "aws:s3/bucket:Bucket").Select(r => (string)r.Inputs["bucket"]!)];
        string[] said = [.. Buckets().Matches(s_page).Select(m => m.Value.Replace("$STACK", "one", StringComparison.Ordinal).Replace("$ACCOUNT", "123456789012", StringComparison.Ordinal)).Distinct()];
        Assert.Equal(buckets.Order(), said.Order());
        Assert.Contains(up.Resources, r => r is { Type: "aws:ec2/instance:Instance", Name: "master" });
    }

    [GeneratedRegex(@"^ *```sh\n(?<text>.*?)^ *```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Blocks();

    [GeneratedRegex(@"dotnet run --project master -- (?<words>.+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Ours();

    [GeneratedRegex(@"(^|\(| )(?<program>aws|pulumi) (?<rest>[a-z][^)|]*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Calls();

    [GeneratedRegex(@"globalcache:(?<name>[a-z][A-Za-z]+)(?![A-Za-z:,])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Settings();

    [GeneratedRegex(@"pulumi stack output (?<name>[A-Za-z]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Outputs();

    [GeneratedRegex(@"/globalcache/\$STACK/[a-z-]+", RegexOptions.None, 1000)]
    private static partial Regex Parameters();

    [GeneratedRegex(@"globalcache-\$STACK-\$ACCOUNT-[a-z]+", RegexOptions.None, 1000)]
    private static partial Regex Buckets();
}
