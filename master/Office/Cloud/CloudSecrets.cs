using System.Diagnostics.CodeAnalysis;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Office.Cloud;

/// <summary>
/// A grid's secrets in AWS, apart as they are never on one machine: the office's, which only the master's role can open; the nodes', which only theirs can; and the one that both sign
/// with. Each is born where it is first needed.
/// </summary>
internal sealed class CloudSecrets(ParameterStore parameters, string stack)
{
    private const string KeysLabel = "globalcache-node-keys-1", ReportLabel = "globalcache-report-1";
    private static readonly string[] s_reportNames = ["report"];
    private static readonly string[] s_keyNames = [.. NodeSecrets.Names.Except(s_reportNames)];

    private readonly StackParameters _names = new(stack);

    /// <summary>The office's.</summary>
    /// <param name="key">Id of the master's KMS key.</param>
    /// <param name="host">The name all nodes share.</param>
    /// <param name="domain">What the authority is bound to: that name, or one above it.</param>
    /// <param name="now">A new authority begins here.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ParameterTroubleException">Not now.</exception>
    /// <exception cref="GridUnusableException">Damaged, or another grid's.</exception>
    public async Task<OfficeSecrets> OfficeAsync(string key, string host, string domain, DateTimeOffset now, CancellationToken ct)
    {
        byte[] there = await parameters.SecretAsync(_names.Office, key, () => OfficeSecrets.Create(host, domain, now).Encode(), ct);
        if (!OfficeSecrets.TryDecode(there, out OfficeSecrets? secrets)) throw Unusable(_names.Office, there, OfficeSecrets.Label);
        return secrets.Host == host ? secrets : throw new GridUnusableException($"The grid of {_names.Office} is {secrets.Host} and cannot become {host}: a grid's name is for good.");
    }

    /// <summary>What master and nodes sign with.</summary>
    /// <param name="key">Id of the KMS key of what they share.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ParameterTroubleException">Not now.</exception>
    /// <exception cref="GridUnusableException">Damaged.</exception>
    public async Task<byte[]> ReportAsync(string key, CancellationToken ct)
    {
        byte[] there = await parameters.SecretAsync(_names.Report, key, () => SecretFile.Encode(ReportLabel, s_reportNames, NodeSecrets.Create().Values[^1..]), ct);
        return SecretFile.TryDecode(there, ReportLabel, s_reportNames, out string[]? values) && TryBytes(values[0], out byte[]? secret) ? secret : throw Unusable(_names.Report, there, ReportLabel);
    }

    /// <summary>What a node knows: the nodes' own secrets, and the one that is shared.</summary>
    /// <param name="key">Id of the nodes' KMS key.</param>
    /// <param name="sharedKey">Id of the KMS key of what is shared.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ParameterTroubleException">Not now.</exception>
    /// <exception cref="GridUnusableException">Damaged.</exception>
    public async Task<NodeSecrets> NodesAsync(string key, string sharedKey, CancellationToken ct)
    {
        byte[] there = await parameters.SecretAsync(_names.NodeKeys, key, () => SecretFile.Encode(KeysLabel, s_keyNames, NodeSecrets.Create().Values[..^1]), ct);
        return SecretFile.TryDecode(there, KeysLabel, s_keyNames, out string[]? values) && NodeSecrets.TryRead([.. values, Convert.ToBase64String(await ReportAsync(sharedKey, ct))], out NodeSecrets? secrets)
            ? secrets : throw Unusable(_names.NodeKeys, there, KeysLabel);
    }

    private static bool TryBytes(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = new byte[Policy.Sealing.SealKeys.Length];
        return Convert.TryFromBase64String(text, bytes, out int length) && length == bytes.Length;
    }

    private static GridUnusableException Unusable(string name, byte[] there, string label) => new(SecretFile.IsOfOtherVersion(there, label)
        ? $"The secret {name} was written by another version of this program: run that one."
        : $"The secret {name} is damaged: put back an earlier version of it (aws ssm get-parameter-history); without it nothing of the grid can be opened.");
}
