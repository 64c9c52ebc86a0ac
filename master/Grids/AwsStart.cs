using System.Net;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Master.Grids;

/// <summary>That the master is to run a grid in AWS, and what of its start does not come from there.</summary>
internal sealed record AwsStart
{
    /// <summary>The settings as a file; null: the instance's user data are asked for.</summary>
    public string? SettingsFile { get; init; }

    /// <summary>How AWS is reached.</summary>
    public CloudAccess Access { get; init; } = new();

    /// <summary>Where clients enrol; null: on the usual port of every address.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Where nodes report; null: at the instance's private address.</summary>
    public IPEndPoint? Private { get; init; }

    /// <summary>What is told at the start, complete or not at all.</summary>
    /// <exception cref="CannotStartException">Something is wrong with it: all that is, a line each.</exception>
    public async Task<(MasterUserData Data, IPEndPoint Listen, IPEndPoint Private)> ReadAsync(TimeProvider time, CancellationToken ct)
    {
        Machine machine = new("", IPAddress.Loopback, "");
        if (SettingsFile is null || Private is null)
        {
            using var metadata = new InstanceMetadata(Access.Of("imds"), time);
            machine = await metadata.ReadAsync(userData: SettingsFile is null, ct);
        }

        string text = SettingsFile is { } file ? await SettingsText.ReadAsync(file, ct) : machine.UserData;
        MasterUserData data = MasterUserData.Parse(text, out IReadOnlyList<string> wrong) ?? throw SettingsText.Unusable(SettingsFile, wrong);
        return (data, Listen ?? new IPEndPoint(IPAddress.Any, CloudPorts.Public), Private ?? new IPEndPoint(machine.Address, CloudPorts.MasterPrivate));
    }
}
