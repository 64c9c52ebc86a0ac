using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Xml.Linq;
using GlobalCache.Policy.Cloud;
using Microsoft.AspNetCore.Http;

namespace GlobalCache.Tests.Cloud;

/// <summary>
/// S3 as one role sees it: whole objects, ranges, conditional writes; the role's permissions, what the buckets refuse, and the key that everything in them is under are asked about every call. Who
/// may not list is told 403 of what is missing, as AWS does. That our calls are understood by a real S3 server is seen elsewhere, with Ceph's.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="names">The stack's.</param>
/// <param name="permissions">The role's.</param>
/// <param name="role">Its ARN.</param>
internal sealed class FakeS3(TimeProvider time, CloudNames names, IReadOnlyList<IamDocument> permissions, string role) : FakeAws("s3", names.Region, time,
    [.. permissions, IamDocument.Parse(IamDocuments.AssetBucket(names).ToJson()), IamDocument.Parse(IamDocuments.StateBucket(names).ToJson())])
{
    /// <summary>By bucket and name. Fakes for different roles may show the same.</summary>
    public ConcurrentDictionary<string, byte[]> Objects { get; init; } = [];

    protected override XDocument Error(AwsRefusal refusal) => new(new XElement("Error", new XElement("Code", refusal.Code), new XElement("Message", refusal.Message)));

    protected override XDocument Answer(string method, string path, IReadOnlyDictionary<string, string> query, byte[] body)
    {
        string name = path.TrimStart('/'), bucket = name[..name.IndexOf('/', StringComparison.Ordinal)], arn = names.Bucket(bucket, name[(bucket.Length + 1)..]);
        Calls.Enqueue($"{method} {name}");
        string? match = query.GetValueOrDefault("If-Match"), none = query.GetValueOrDefault("If-None-Match");
        (string, string?)[] who = [("aws:PrincipalArn", role), ("aws:SecureTransport", "true")], key = [.. who, ("kms:ViaService", $"s3.{names.Region}.amazonaws.com")];
        switch (method)
        {
            case "GET":
                Demand("AccessDenied", "s3:GetObject", arn, who);
                MaybeRefuse();
                // No list is granted to anybody here, so nobody is told what there is not.
                if (!Objects.TryGetValue(name, out byte[]? there)) throw new AwsRefusal(403, "AccessDenied");
                Demand("AccessDenied", "kms:Decrypt", names.Key(names.StoreKey), key);
                return Found(there, query.GetValueOrDefault("Range"));
            case "PUT":
                Demand("AccessDenied", "s3:PutObject", arn, [.. who, ("s3:if-match", match), ("s3:if-none-match", none)]);
                Demand("AccessDenied", "kms:GenerateDataKey", names.Key(names.StoreKey), key);
                MaybeRefuse();
                bool exists = Objects.TryGetValue(name, out byte[]? old);
                if ((none is not null && exists) || (match is not null && exists && match.Trim('"') != TagOf(old!))) throw new AwsRefusal(412, "PreconditionFailed");
                if (match is not null && !exists) throw new AwsRefusal(404, "NoSuchKey");
                Objects[name] = body;
                return Found([], null, TagOf(body));
            default:
                throw new AwsRefusal(405, "MethodNotAllowed", method);
        }
    }

    protected override Task WriteAsync(HttpResponse response, XDocument answer)
    {
        if (answer.Root!.Name != "found") return base.WriteAsync(response, answer);
        byte[] bytes = Convert.FromBase64String(answer.Root.Value);
        response.StatusCode = answer.Root.Attribute("range") is { } range ? StatusCodes.Status206PartialContent : StatusCodes.Status200OK;
        if (response.StatusCode == StatusCodes.Status206PartialContent) response.Headers.ContentRange = answer.Root.Attribute("range")!.Value;
        response.Headers.ETag = $"\"{answer.Root.Attribute("tag")!.Value}\"";
        // As for everything under a key of KMS: that tag is no hash of the bytes.
        response.Headers["x-amz-server-side-encryption"] = "aws:kms";
        response.Headers["x-amz-server-side-encryption-aws-kms-key-id"] = names.Key(names.StoreKey);
        response.ContentLength = bytes.Length;
        return response.Body.WriteAsync(bytes).AsTask();
    }

    private static XDocument Found(byte[] bytes, string? range, string? tag = null)
    {
        var found = new XElement("found", new XAttribute("tag", tag ?? TagOf(bytes)));
        if (range is not null)
        {
            int last = Math.Min(int.Parse(range[(range.IndexOf('-', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture), bytes.Length - 1);
            found.Add(new XAttribute("range", $"bytes 0-{last}/{bytes.Length}"));
            bytes = bytes[..(last + 1)];
        }

        found.Add(Convert.ToBase64String(bytes));
        return new XDocument(found);
    }

    // It only names the bytes.
    private static string TagOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..32];
}
