using System.Diagnostics.CodeAnalysis;
using GlobalCache.Office.Keys;

namespace GlobalCache.Office.Enrolment;

/// <summary>All secrets of a grid of one's own, in one file (<see cref="SecretFile"/>).</summary>
/// <param name="Office">Those of its office.</param>
/// <param name="Nodes">What lies in the store is sealed, named and tagged with these.</param>
internal sealed record GridSecrets(OfficeSecrets Office, NodeSecrets Nodes)
{
    public const string Label = "globalcache-grid-3";
    private static readonly string[] s_names = [.. OfficeSecrets.Names, .. NodeSecrets.Names];

    /// <summary>Secrets of a new grid.</summary>
    public static GridSecrets Create(string host, DateTimeOffset now) => new(OfficeSecrets.Create(host, host, now), NodeSecrets.Create());

    /// <summary>The file's bytes.</summary>
    public byte[] Encode() => SecretFile.Encode(Label, s_names, [.. Office.Values, .. Nodes.Values]);

    /// <summary>False: damaged, or another kind of file.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out GridSecrets? secrets)
    {
        secrets = null;
        if (!SecretFile.TryDecode(bytes, Label, s_names, out string[]? values) || !OfficeSecrets.TryRead(values[..OfficeSecrets.Names.Length], out OfficeSecrets? office)
            || !NodeSecrets.TryRead(values[OfficeSecrets.Names.Length..], out NodeSecrets? nodes)) return false;
        secrets = new GridSecrets(office, nodes);
        return true;
    }

    public override string ToString() => nameof(GridSecrets);
}
