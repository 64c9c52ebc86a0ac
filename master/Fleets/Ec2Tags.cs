using System.Globalization;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Master.Fleets;

/// <summary>An instance's tags to and fro (SCALING §4). What is missing or is not ours makes it foreign. Pure.</summary>
internal static class Ec2Tags
{
    private const int MostSlots = 10_000;

    /// <summary>Those that it is born with.</summary>
    public static IEnumerable<(string Key, string Value)> AtLaunch(string stack, LaunchOrder order) =>
    [
        (CloudTags.Role, CloudTags.Node), (CloudTags.Stack, stack), (CloudTags.Fleet, stack), (CloudTags.Slot, Text(order.Slot)), (CloudTags.Generation, Text(order.Generation)),
        (CloudTags.Intent, nameof(Intent.Serve)), (CloudTags.Epoch, Text(order.Epoch)),
    ];

    /// <summary>Those that change; all of them each time, so that what an earlier word said is gone. Tags are never taken away: that is a permission fewer.</summary>
    public static IEnumerable<(string Key, string Value)> Later(Marks marks) =>
        [(CloudTags.Intent, marks.Intent.ToString()), (CloudTags.DrainSince, Text(marks.DrainSince)), (CloudTags.DnsRemovedAt, Text(marks.DnsRemovedAt)), (CloudTags.Epoch, Text(marks.Epoch))];

    /// <summary>Null: not this fleet's, or not to be understood.</summary>
    public static (int Slot, int Generation, Marks Marks)? Read(string stack, IReadOnlyDictionary<string, string> tags)
    {
        if (tags.GetValueOrDefault(CloudTags.Fleet) != stack
            || !int.TryParse(tags.GetValueOrDefault(CloudTags.Slot), NumberStyles.None, CultureInfo.InvariantCulture, out int slot) || slot >= MostSlots
            || !int.TryParse(tags.GetValueOrDefault(CloudTags.Generation), NumberStyles.None, CultureInfo.InvariantCulture, out int generation)
            || !long.TryParse(tags.GetValueOrDefault(CloudTags.Epoch), NumberStyles.None, CultureInfo.InvariantCulture, out long epoch)
            || tags.GetValueOrDefault(CloudTags.Intent) is not { } intent || (intent != nameof(Intent.Serve) && intent != nameof(Intent.Drain))) return null;
        return (slot, generation, new Marks(intent == nameof(Intent.Serve) ? Intent.Serve : Intent.Drain, epoch, Time(tags, CloudTags.DrainSince), Time(tags, CloudTags.DnsRemovedAt)));
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(DateTimeOffset? at) => at?.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture) ?? "";

    // A time that cannot be read is as none: a drain begins anew, which can only make it longer.
    private static DateTimeOffset? Time(IReadOnlyDictionary<string, string> tags, string key) =>
        DateTimeOffset.TryParseExact(tags.GetValueOrDefault(key), "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset at) ? at : null;
}
