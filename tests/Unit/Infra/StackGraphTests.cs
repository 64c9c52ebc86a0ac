using System.Text.Json;
using System.Text.RegularExpressions;
using GlobalCache.Policy.Cloud;
using Pulumi;

namespace GlobalCache.Tests.Infra;

/// <summary>What the stack declares as a whole, whichever resource it is in.</summary>
public sealed partial class StackGraphTests
{
    private static readonly Recording s_up = SampleRun.Run();

    /// <summary>Actions that AWS authorises on no resource: there is no other way than <c>*</c> (service authorization reference, EC2).</summary>
    private static readonly string[] s_withoutResource = ["ec2:DescribeInstances"];

    [Fact]
    public void Nothing_is_allowed_on_every_resource_but_looking()
    {
        foreach ((string where, IamDocument document) in Documents(s_up))
        {
            foreach (IamStatement statement in document.Statements.Where(s => s.Effect == IamEffect.Allow && !s.Resources.IsEmpty))
            {
                // In a key's own policy the resource is the key, and is written so.
                if (where.StartsWith("aws:kms/", StringComparison.Ordinal)) continue;
                if (statement.Actions.All(s_withoutResource.Contains)) continue;
                Assert.All(statement.Resources, r => Assert.True(r.Length > 20 && r.StartsWith("arn:aws:", StringComparison.Ordinal) && !r.EndsWith(":*", StringComparison.Ordinal), $"{where} {statement.Sid}: {r}"));
            }
        }
    }

    [Fact]
    public void No_action_is_a_wildcard_but_the_accounts_word_on_the_buckets_key()
    {
        string[] wild = [.. Documents(s_up).SelectMany(d => d.Document.Statements.Where(s => s.Effect == IamEffect.Allow).SelectMany(s => s.Actions.Select(a => (d.Where, s.Sid, Action: a))))
            .Where(a => a.Action.Contains('*', StringComparison.Ordinal)).Select(a => $"{a.Where} {a.Sid} {a.Action}")];
        Assert.Equal(["aws:kms/keyPolicy:KeyPolicy store AsTheAccountSays kms:*"], wild);
    }

    [Fact]
    public void Every_document_is_one_that_AWS_takes()
    {
        (string Where, IamDocument Document)[] documents = [.. Documents(s_up)];
        Assert.Equal(15, documents.Length);
        Assert.All(documents, d => Assert.True(d.Document.ToJson().Length <= IamDocument.MostCharacters, $"{d.Where}: {d.Document.ToJson().Length}"));
    }

    [Fact]
    public void The_largest_stack_has_documents_that_AWS_takes()
    {
        string types = JsonSerializer.Serialize(Enumerable.Range(0, 8).Select(i => new { name = $"c{i}in-flex.{i}2xlarge-metal", pricePerHour = 1.5 }));
        Recording up = SampleRun.Run(SampleRun.Config(
            ("globalcache:zone", $"{new string('a', 60)}.{new string('b', 60)}.example.org"),
            ("globalcache:prices", types), ("globalcache:previousImage", "ami-0fedcba9876543210"), ("globalcache:network", "10.0.0.0/16"),
            ("globalcache:policy", "{\"fleet\":{\"zones\":6,\"types\":" + types + "},\"scaling\":{\"max\":1000}}")), stack: "a-stack-with-a-long-name", zones: 6);
        Assert.All(Documents(up), d => Assert.True(d.Document.ToJson().Length <= IamDocument.MostCharacters, $"{d.Where}: {d.Document.ToJson().Length}"));
    }

    [Fact]
    public void From_outside_only_the_clients_port_is_open()
    {
        Declared[] ingress = [.. s_up.Resources.Where(r => r.Type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")];
        Assert.Equal(4, ingress.Length);
        foreach (Declared rule in ingress)
        {
            Assert.Equal("tcp", rule.Inputs["ipProtocol"]);
            Assert.Equal(rule.Inputs["fromPort"], rule.Inputs["toPort"]);
            if (rule.Inputs.ContainsKey("cidrIpv4")) Assert.Equal(443, rule.Inputs["fromPort"]);
            else Assert.True(rule.Inputs.ContainsKey("referencedSecurityGroupId"), rule.Name);
        }

        // No group says something of its own beside the rules.
        Assert.All(s_up.Resources.Where(r => r.Type == "aws:ec2/securityGroup:SecurityGroup"), g => Assert.DoesNotContain("ingress", g.Inputs.Keys));
        // The machine that builds the image is reached by nobody.
        Assert.Equal(2, ingress.Select(r => r.Inputs["securityGroupId"]).Distinct().Count());
    }

    [Fact]
    public void Everything_that_keeps_bytes_is_encrypted()
    {
        foreach (Declared bucket in Of("aws:s3/bucket:Bucket"))
        {
            var rule = (IDictionary<string, object?>)Assert.Single((List<object?>)One("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", bucket.Name).Inputs["rules"]!)!;
            var by = (IDictionary<string, object?>)rule["applyServerSideEncryptionByDefault"]!;
            Assert.Equal("aws:kms", by["sseAlgorithm"]);
            Assert.Equal(true, rule["bucketKeyEnabled"]);
            Assert.NotNull(by["kmsMasterKeyId"]);
        }

        Assert.Equal(true, ((IDictionary<string, object?>)One("aws:ec2/instance:Instance", "master").Inputs["rootBlockDevice"]!)["encrypted"]);
        var mapping = (IDictionary<string, object?>)Assert.Single((List<object?>)One("aws:imagebuilder/imageRecipe:ImageRecipe", "recipe").Inputs["blockDeviceMappings"]!)!;
        Assert.Equal("true", ((IDictionary<string, object?>)mapping["ebs"]!)["encrypted"]);
        Assert.All(Of("aws:s3/bucketObjectv2:BucketObjectv2"), o => Assert.NotNull(o.Inputs["kmsKeyId"]));
        Assert.All(Of("aws:cloudwatch/logGroup:LogGroup"), l => Assert.NotNull(l.Inputs["kmsKeyId"]));
        Assert.All(Of("aws:kms/key:Key"), k => Assert.Equal(true, k.Inputs["enableKeyRotation"]));
    }

    [Fact]
    public void No_machine_answers_for_its_role_without_a_token_of_its_own_making()
    {
        var master = (IDictionary<string, object?>)One("aws:ec2/instance:Instance", "master").Inputs["metadataOptions"]!;
        Assert.Equal("required", master["httpTokens"]);
        Assert.Equal(1, master["httpPutResponseHopLimit"]);
        var builder = (IDictionary<string, object?>)One("aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration", "machines").Inputs["instanceMetadataOptions"]!;
        Assert.Equal("required", builder["httpTokens"]);
        Assert.Equal(1, builder["httpPutResponseHopLimit"]);
    }

    [Fact]
    public void Buckets_are_private_in_every_way_and_outlive_a_mistake()
    {
        foreach (Declared bucket in Of("aws:s3/bucket:Bucket"))
        {
            Assert.True(bucket.Options.Protect);
            Assert.False(bucket.Inputs.ContainsKey("forceDestroy"));
            Declared block = One("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket.Name);
            Assert.All((string[])["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"], p => Assert.Equal(true, block.Inputs[p]));
            var rule = (IDictionary<string, object?>)One("aws:s3/bucketOwnershipControls:BucketOwnershipControls", bucket.Name).Inputs["rule"]!;
            Assert.Equal("BucketOwnerEnforced", rule["objectOwnership"]);
            IamDocument policy = IamDocument.Parse((string)One("aws:s3/bucketPolicy:BucketPolicy", bucket.Name).Inputs["policy"]!);
            Assert.Contains(policy.Statements, s => s.Effect == IamEffect.Deny && s.Conditions.Any(c => c.Key == "aws:SecureTransport"));
            Assert.All(policy.Statements, s => Assert.Equal(IamEffect.Deny, s.Effect));
        }
    }

    [Fact]
    public void A_taken_down_asset_leaves_no_old_version_and_state_does()
    {
        Declared versioning = Assert.Single(Of("aws:s3/bucketVersioning:BucketVersioning"));
        Assert.Equal("state", versioning.Name);
        var retention = (IDictionary<string, object?>)((List<object?>)One("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "assets").Inputs["rules"]!)[0]!;
        Assert.Equal(180, ((IDictionary<string, object?>)retention["expiration"]!)["days"]);
        // A heartbeat's old versions would be thousands a day.
        var state = ((List<object?>)One("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "state").Inputs["rules"]!).Cast<IDictionary<string, object?>>().Where(r => r.ContainsKey("noncurrentVersionExpiration"));
        Assert.Equal([("", 90), ("m/lease", 1), ("m/demand", 1)],
            state.Select(r => ((string)((IDictionary<string, object?>)r["filter"]!)["prefix"]!, (int)((IDictionary<string, object?>)r["noncurrentVersionExpiration"]!)["noncurrentDays"]!)));
    }

    [Fact]
    public void A_node_that_says_nothing_of_what_it_expects_may_not_write()
    {
        IamDocument policy = IamDocument.Parse((string)One("aws:s3/bucketPolicy:BucketPolicy", "assets").Inputs["policy"]!);
        Assert.Contains(policy.Statements, s => s.Sid == "BlindPut" && s.Conditions.Any(c => c.Values.Contains("arn:aws:iam::123456789012:role/globalcache-one-node")));
    }

    [Fact]
    public void Keys_of_secrets_are_used_by_one_role_each()
    {
        foreach (string whose in (string[])["master", "node"])
        {
            IamDocument policy = IamDocument.Parse((string)One("aws:kms/keyPolicy:KeyPolicy", whose).Inputs["policy"]!);
            IamStatement use = Assert.Single(policy.Statements, s => s.Actions.Any(a => a is "kms:Decrypt" or "kms:*"));
            Assert.Contains($"globalcache-one-{whose}", use.Principal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Roles_have_boundaries_that_allow_whatever_they_are_given()
    {
        foreach ((string whose, IamDocument[] given) in ((string, IamDocument[])[])[("master", [Policy("master-fleet"), Policy("master-state")]), ("node", [Policy("node")])])
        {
            Assert.NotNull(One("aws:iam/role:Role", whose).Inputs["permissionsBoundary"]);
            IamDocument boundary = Policy($"{whose}-boundary");
            foreach (IamStatement statement in given.SelectMany(d => d.Statements))
            {
                foreach (string resource in statement.Resources)
                    Assert.All(statement.Actions, a => Assert.True(IamEvaluator.Evaluate([boundary], new IamCall(a, resource, new Dictionary<string, System.Collections.Immutable.ImmutableArray<string>>())).IsAllowed, $"{a} {resource}"));
            }

            Assert.False(IamEvaluator.Evaluate([boundary], new IamCall("iam:CreateUser", "*", new Dictionary<string, System.Collections.Immutable.ImmutableArray<string>>())).IsAllowed);
        }
    }

    [Fact]
    public void No_secret_passes_through()
    {
        foreach (Declared resource in s_up.Resources)
        {
            Assert.False(resource.Type == "aws:ssm/parameter:Parameter" && (string)resource.Inputs["type"]! == "SecureString", resource.Name);
            foreach ((string path, object? value) in SampleRun.Values(resource.Inputs))
            {
                if (value is not string text) continue;
                Assert.DoesNotContain("PRIVATE KEY", text, StringComparison.Ordinal);
                // Anything long and random-looking would be a key or a code; what there is of it is known.
                string unknown = text.Replace(SampleRun.AdminCodeHash, "", StringComparison.Ordinal).Replace(new string('a', 64), "", StringComparison.Ordinal);
                Assert.False(LooksSecret().IsMatch(unknown), $"{resource.Name}{path}: {text}");
            }

            Assert.DoesNotContain(resource.Inputs.Keys, k => k.Contains("password", StringComparison.OrdinalIgnoreCase) || k is "keyName" or "privateKey" or "secretString");
        }
    }

    [Fact]
    public void User_data_are_settings_a_line_each()
    {
        string data = (string)One("aws:ec2/instance:Instance", "master").Inputs["userData"]!;
        Assert.All(data.TrimEnd('\n').Split('\n'), line => Assert.Matches("^[a-z-]+=[^=]*$", line));
        MasterUserData read = MasterUserData.Parse(data, out IReadOnlyList<string> wrong)!;
        Assert.Empty(wrong);
        Assert.Equal((3, "nodes.cache.example.org", "master.cache.example.org"), (read.Subnets.Count, read.RecordName, read.MasterName));
        // What it is told of is what is declared.
        Assert.Equal(One("aws:s3/bucket:Bucket", "state").Inputs["bucket"], read.StateBucket);
        Assert.Equal(One("aws:iam/instanceProfile:InstanceProfile", "node").Inputs["name"], read.NodeProfileArn.Split('/')[^1]);
    }

    [Fact]
    public void The_parameters_that_master_and_nodes_look_for_are_declared_and_their_secrets_are_not() =>
        Assert.Equal(new StackParameters("one").Settings.Order(), Of("aws:ssm/parameter:Parameter").Select(p => (string)p.Inputs["name"]!).Order());

    [Fact]
    public void The_nodes_record_is_the_masters_and_not_declared()
    {
        Declared record = Assert.Single(Of("aws:route53/record:Record"));
        Assert.Equal("master.cache.example.org", record.Inputs["name"]);
        Assert.Equal(true, One("aws:route53/zone:Zone", "zone").Inputs["forceDestroy"]);
    }

    [Fact]
    public void Assets_reach_S3_without_the_internet_and_nothing_else_does()
    {
        Declared endpoint = Assert.Single(Of("aws:ec2/vpcEndpoint:VpcEndpoint"));
        Assert.Equal("Gateway", endpoint.Inputs["vpcEndpointType"]);
        IamDocument policy = IamDocument.Parse((string)endpoint.Inputs["policy"]!);
        Assert.All(policy.Statements.SelectMany(s => s.Actions), a => Assert.Contains(a, (string[])["s3:GetObject", "s3:PutObject"]));
        Assert.All(policy.Statements.SelectMany(s => s.Resources), r => Assert.Contains("globalcache-one-123456789012-", r, StringComparison.Ordinal));
    }

    [Fact]
    public void A_preview_in_which_nothing_is_known_declares_the_same()
    {
        Recording preview = SampleRun.Run(isPreview: true);
        Assert.Equal(s_up.Resources.Select(r => (r.Type, r.Name, r.Parent)), preview.Resources.Select(r => (r.Type, r.Name, r.Parent)));
        Assert.All(preview.Resources.Zip(s_up.Resources), both => Assert.Equal(both.Second.Inputs.Keys.Order(), both.First.Inputs.Keys.Order()));
        Assert.Contains(preview.Resources, r => r.Inputs.Values.Contains(Recording.Unknown));
    }

    [Fact]
    public void The_owner_is_told_what_comes_next()
    {
        Assert.Equal("https://master.cache.example.org", s_up.Outputs["masterUrl"]);
        Assert.Equal(["ns-1.awsdns-01.org", "ns-2.awsdns-02.net"], (List<object?>)s_up.Outputs["nameServers"]!);
        Assert.Contains("dig +short master.cache.example.org", (string)s_up.Outputs["next"]!, StringComparison.Ordinal);
        Assert.Equal("203.0.113.7", s_up.Outputs["masterAddress"]);
        // Words that the master's program takes.
        string[][] said = [.. CommandsOf((string)s_up.Outputs["next"]!)];
        Assert.Equal(["at 203.0.113.7 state", "at master.cache.example.org invite"], said.Select(words => string.Join(' ', words)));
        Assert.All(said, words => Assert.Empty(GlobalCache.Master.CommandLine.Read(words, TimeProvider.System, Support.WatchedLog.Unread).Errors));
    }

    private static IEnumerable<string[]> CommandsOf(string text) =>
        text.Split("dotnet run --project master -- ")[1..].Select(Sentence);

    // Up to the end of the sentence: a full stop before a space, or at the end.
    private static string[] Sentence(string rest) => (rest.IndexOf(". ", StringComparison.Ordinal) is > 0 and var end ? rest[..end] : rest).Split(' ');

    [Fact]
    public void Everything_belongs_to_a_component()
    {
        Assert.All(s_up.Resources.Where(r => !r.IsComponent), r => Assert.NotNull(r.Parent));
        Assert.Equal(8, s_up.Resources.Count(r => r.IsComponent));
    }

    [Fact]
    public void More_zones_than_the_region_has_are_refused()
    {
        RunException refused = Assert.Throws<RunException>(() => SampleRun.Run(zones: 2));
        Assert.StartsWith("globalcache:policy.fleet.zones: eu-central-1 has 2", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Every policy document among the inputs.</summary>
    internal static IEnumerable<(string Where, IamDocument Document)> Documents(Recording recording) =>
        from resource in recording.Resources
        from input in resource.Inputs
        where input.Key is "policy" or "assumeRolePolicy"
        select ($"{resource.Type} {resource.Name}", IamDocument.Parse((string)input.Value!));

    private static IEnumerable<Declared> Of(string type) => s_up.Resources.Where(r => r.Type == type);

    private static Declared One(string type, string name) => Assert.Single(s_up.Resources, r => r.Type == type && r.Name == name);

    private static IamDocument Policy(string name) => IamDocument.Parse((string)One("aws:iam/policy:Policy", name).Inputs["policy"]!);

    [GeneratedRegex("[0-9a-fA-F]{32,}|[A-Za-z0-9+/]{40,}={1,2}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LooksSecret();
}
