using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Office.Keys;

/// <summary>What every node of a grid knows and the office need not: what lies in the store is sealed, named and tagged with it, and reports are signed with it.</summary>
/// <param name="Keys">For what lies in the store.</param>
/// <param name="Report">Under what a node and the master talk: 32 bytes.</param>
internal sealed record NodeSecrets(GridKeys Keys, byte[] Report)
{
    public const string Label = "globalcache-node-1";

    /// <summary>The names of its lines.</summary>
    public static readonly string[] Names = ["seal", "name", "claim", "challenge", "report"];

    private const uint FirstSealKey = 1;

    /// <summary>Of a new grid.</summary>
    public static NodeSecrets Create() => new(
        new GridKeys(new Dictionary<uint, byte[]> { [FirstSealKey] = New() }, New(), New(), New()), New());

    /// <summary>The values of its lines.</summary>
    public string[] Values => [.. new[] { Keys.Seal[FirstSealKey], Keys.Name, Keys.Claim, Keys.Challenge, Report }.Select(Convert.ToBase64String)];

    /// <summary>The file <c>node.keys</c> that a master hands to nodes of its own machine.</summary>
    public byte[] Encode() => SecretFile.Encode(Label, Names, Values);

    /// <summary>False: damaged, or another kind of file.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out NodeSecrets? secrets)
    {
        secrets = null;
        return SecretFile.TryDecode(bytes, Label, Names, out string[]? values) && TryRead(values, out secrets);
    }

    /// <summary>From the values of its lines.</summary>
    public static bool TryRead(IReadOnlyList<string> values, [NotNullWhen(true)] out NodeSecrets? secrets)
    {
        secrets = null;
        try
        {
            byte[][] parts = [.. values.Select(Convert.FromBase64String)];
            if (parts.Length != Names.Length || parts.Any(p => p.Length != SealKeys.Length)) return false;
            secrets = new NodeSecrets(new GridKeys(new Dictionary<uint, byte[]> { [FirstSealKey] = parts[0] }, parts[1], parts[2], parts[3]), parts[4]);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    public override string ToString() => nameof(NodeSecrets);

    private static byte[] New() => RandomNumberGenerator.GetBytes(SealKeys.Length);
}
