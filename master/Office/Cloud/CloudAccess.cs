using System.Diagnostics.CodeAnalysis;
using System.Net;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;

namespace GlobalCache.Office.Cloud;

/// <summary>
/// How AWS is reached: by its own addresses and the machine's role. Only tests say otherwise, and only this machine can be named: a program with the master's credentials that could be
/// pointed elsewhere would hand them over.
/// </summary>
internal sealed record CloudAccess
{
    /// <summary>What may be named with <c>--aws-url</c>.</summary>
    public static readonly string[] Services = ["ec2", "route53", "ssm", "s3", "imds", "dns"];

    /// <summary>By service; none: AWS' own.</summary>
    public IReadOnlyDictionary<string, Uri> Urls { get; init; } = new Dictionary<string, Uri>();

    /// <summary>Null: those of the instance's role, or of the environment.</summary>
    public AWSCredentials? Credentials { get; init; }

    /// <summary>Where a service is; null: where AWS has it.</summary>
    public Uri? Of(string service) => Urls.GetValueOrDefault(service);

    /// <summary>The zone's name servers; none: those that Route 53 names.</summary>
    public IReadOnlyList<IPEndPoint> NameServers => Of("dns") is { } at ? [new IPEndPoint(IPAddress.Parse(at.Host), at.Port)] : [];

    /// <summary>For those whose SDK is not used.</summary>
    public AWSCredentials CredentialsOrRole() => Credentials ?? DefaultAWSCredentialsIdentityResolver.GetCredentials();

    /// <summary>Takes the values of <c>--aws-url</c>.</summary>
    public static CloudAccess Read(IEnumerable<string> values, List<string> errors)
    {
        var urls = new Dictionary<string, Uri>(StringComparer.Ordinal);
        foreach (string value in values)
        {
            if (TryRead(value, out string service, out Uri? url)) urls[service] = url;
            else errors.Add($"--aws-url {value} is no service at an address of this machine, such as ec2=http://127.0.0.1:8080.");
        }

        return new CloudAccess { Urls = urls };
    }

    // False: no such service, or not on this machine.
    private static bool TryRead(string text, out string service, [NotNullWhen(true)] out Uri? url)
    {
        (service, url) = (text, null);
        if (text.Split('=', 2) is not [{ } name, { } address] || !Services.Contains(name)) return false;
        service = name;
        return Uri.TryCreate(address, UriKind.Absolute, out url) && (name == "dns" ? url.Scheme == "dns" : url.Scheme is "http" or "https")
            && IPAddress.TryParse(url.Host, out IPAddress? host) && IPAddress.IsLoopback(host);
    }
}
