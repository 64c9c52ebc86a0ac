using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace GlobalCache.Master.Zones;

/// <summary>A request as AWS' signature sees it.</summary>
/// <param name="Method">Upper case.</param>
/// <param name="Path">As it is sent; what is escaped in it is escaped once more, as every service but S3 wants it.</param>
/// <param name="Query">Names and values before escaping, in any order.</param>
/// <param name="Headers">Those to be signed, in the order sent; at least Host and X-Amz-Date.</param>
/// <param name="Body">As it is sent.</param>
internal sealed record SigV4Request(string Method, string Path, IReadOnlyList<(string Name, string Value)> Query, IReadOnlyList<(string Name, string Value)> Headers, ReadOnlyMemory<byte> Body);

/// <summary>
/// Version 4 of AWS' request signature (“Signature Version 4 signing process”, AWS general reference), for the one service whose SDK is not used. Pure; tried
/// on AWS' published examples and on what AWS' own SDK signs.
/// </summary>
internal static class SigV4
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>Value of the header X-Amz-Date.</summary>
    public static string DateOf(DateTimeOffset at) => at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Value of the header Authorization.</summary>
    /// <param name="request">What is sent.</param>
    /// <param name="keyId">The access key's id.</param>
    /// <param name="secret">The access key.</param>
    /// <param name="region">The region signed for.</param>
    /// <param name="service">The service signed for, such as <c>route53</c>.</param>
    /// <param name="date">As in the header X-Amz-Date.</param>
    public static string Authorize(SigV4Request request, string keyId, string secret, string region, string service, string date)
    {
        string scope = $"{date[..8]}/{region}/{service}/aws4_request";
        (string canonical, string signed) = Canonical(request);
        string toSign = $"{Algorithm}\n{date}\n{scope}\n{Hash(Encoding.UTF8.GetBytes(canonical))}";
        byte[] key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (string part in (string[])[date[..8], region, service, "aws4_request"]) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        string signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        return $"{Algorithm} Credential={keyId}/{scope}, SignedHeaders={signed}, Signature={signature}";
    }

    /// <summary>Everything but unreserved characters (RFC 3986) as UTF-8 in <c>%XX</c>; a slash too, unless it is kept.</summary>
    public static string Escape(string text, bool keepSlash = false) => keepSlash ? string.Join('/', text.Split('/').Select(Uri.EscapeDataString)) : Uri.EscapeDataString(text);

    private static (string Canonical, string Signed) Canonical(SigV4Request request)
    {
        IEnumerable<string> query = request.Query.Select(q => (Name: Escape(q.Name), Value: Escape(q.Value)))
            .OrderBy(q => q.Name, StringComparer.Ordinal).ThenBy(q => q.Value, StringComparer.Ordinal).Select(q => $"{q.Name}={q.Value}");
        (string Name, string Values)[] headers = [.. request.Headers.GroupBy(h => h.Name.ToLowerInvariant())
            .Select(h => (h.Key, string.Join(',', h.Select(v => Squeeze(v.Value))))).OrderBy(h => h.Key, StringComparer.Ordinal)];
        string signed = string.Join(';', headers.Select(h => h.Name));
        var text = new StringBuilder().Append(request.Method).Append('\n').Append(Escape(request.Path, keepSlash: true)).Append('\n').AppendJoin('&', query).Append('\n');
        foreach ((string name, string values) in headers) text.Append(name).Append(':').Append(values).Append('\n');
        return (text.Append('\n').Append(signed).Append('\n').Append(Hash(request.Body.Span)).ToString(), signed);
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>No spaces around it, and none beside another.</summary>
    private static string Squeeze(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
