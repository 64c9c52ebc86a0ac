using System.Runtime.InteropServices;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Figures;

/// <summary>Where a viewer's asset came from.</summary>
internal enum ServedFrom : byte
{
    /// <summary>This client's own store, over HTTP.</summary>
    Hit,

    /// <summary>The cache grid.</summary>
    Shared,

    /// <summary>The viewer's grid.</summary>
    Miss,

    /// <summary>The store or the cache grid, put into a circuit.</summary>
    Injected,

    /// <summary>The viewer's grid by UDP, and kept.</summary>
    Captured,
}

/// <summary>One asset, or a part of it, that a viewer got. Which one it was is nobody's business.</summary>
/// <param name="From">From where.</param>
/// <param name="Type">Its type.</param>
/// <param name="Bytes">Body bytes sent.</param>
/// <param name="Took">From the viewer's request to the last byte; zero by UDP, where its pace is the circuit's.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Served(ServedFrom From, AssetType Type, long Bytes, TimeSpan Took);

/// <summary>What was served in some time.</summary>
/// <param name="Requests">How often, by <see cref="ServedFrom"/>.</param>
/// <param name="Bytes">How much, likewise.</param>
internal sealed record Tally(IReadOnlyList<long> Requests, IReadOnlyList<long> Bytes)
{
    private static readonly int s_kinds = Enum.GetValues<ServedFrom>().Length;

    /// <summary>Nothing yet.</summary>
    public static Tally None { get; } = new(new long[s_kinds], new long[s_kinds]);

    /// <summary>Whether it has a figure for each kind, and none that cannot be.</summary>
    public bool IsSound => Requests?.Count == s_kinds && Bytes?.Count == s_kinds && Requests.Concat(Bytes).All(n => n >= 0);

    /// <summary>How often something was served from here.</summary>
    public long Of(ServedFrom from) => Requests[(int)from];

    /// <summary>How much.</summary>
    public long BytesOf(ServedFrom from) => Bytes[(int)from];

    /// <summary>What the viewers' grids did not have to send.</summary>
    public long SavedBytes => BytesOf(ServedFrom.Hit) + BytesOf(ServedFrom.Shared) + BytesOf(ServedFrom.Injected);

    /// <summary>Of what viewers got, how much in 0 – 1 was not the grid's to send; null: they got nothing yet.</summary>
    public double? HitRate
    {
        get
        {
            long ours = Of(ServedFrom.Hit) + Of(ServedFrom.Shared) + Of(ServedFrom.Injected), all = ours + Of(ServedFrom.Miss) + Of(ServedFrom.Captured);
            return all == 0 ? null : (double)ours / all;
        }
    }
}
