using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Office.Stores;

namespace GlobalCache.Master.Reconcile;

/// <summary>What the operator has ordered of the fleet, whatever demand is. It stands until it is taken back, and a master that is started anew goes by it.</summary>
/// <param name="IsHeld">All nodes are to go, and none is opened.</param>
/// <param name="Retired">Nodes that are to go for good, as <c>SLOT.GENERATION</c>, the oldest order first; at most <see cref="MostRetired"/>.</param>
internal sealed record OperatorOrders(bool IsHeld, IReadOnlyList<string> Retired) : Kept
{
    /// <summary>No generation comes twice, so an order that is done does no harm: the oldest is forgotten for one too many.</summary>
    public const int MostRetired = 256;

    /// <summary>Nothing was ordered.</summary>
    public static OperatorOrders None { get; } = new(false, []);

    /// <summary>Whether this node is to go for good.</summary>
    public bool Retires(NodeView node) => Retired.Count > 0 && Retired.Contains(NameOf(node.Instance.Slot, node.Instance.Generation));

    /// <summary>These orders, and one for a node more.</summary>
    public OperatorOrders Retiring(string node) => Retired.Contains(node) ? this : this with { Retired = [.. Retired.Append(node).TakeLast(MostRetired)] };

    /// <summary>What an operator may call a node, as orders name it: <c>0.3</c> or, as the dashboard does, <c>node 0.3</c>. Null: that is no node's name.</summary>
    public static string? Parse(string? name)
    {
        string[] parts = (name ?? "").Trim() is { Length: <= 32 } text ? (text.StartsWith("node ", StringComparison.OrdinalIgnoreCase) ? text[5..] : text).Split('.') : [];
        return parts.Length == 2 && Number(parts[0]) is { } slot && Number(parts[1]) is { } generation ? NameOf(slot, generation) : null;

        static int? Number(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }

    private static string NameOf(int slot, int generation) => string.Create(CultureInfo.InvariantCulture, $"{slot}.{generation}");
}

/// <summary>
/// Keeps the operator's orders in the store, as <c>m/orders</c>: written by the master's admin calls and by the commands beside it, read by whichever master leads.
/// By compare-and-swap alone, so that of two orders at once neither is lost.
/// </summary>
internal sealed class OrderDesk(IObjectStore store, TimeProvider time)
{
    private const string Name = "m/orders";
    private const int Attempts = 8;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>What stands now.</summary>
    /// <exception cref="StoreTroubleException">Not known.</exception>
    public async Task<OperatorOrders> ReadAsync(CancellationToken ct) => Parse(await store.GetAsync(Name, ct));

    /// <summary>Changes what stands, where <paramref name="change"/> does not return what it is given.</summary>
    /// <returns>What stands then.</returns>
    /// <exception cref="StoreTroubleException">Not known whether it stands; to be repeated, which does no harm.</exception>
    public async Task<OperatorOrders> ChangeAsync(Func<OperatorOrders, OperatorOrders> change, CancellationToken ct)
    {
        for (int i = 0; i < Attempts; i++)
        {
            StoredObject? there = await store.GetAsync(Name, ct);
            OperatorOrders before = Parse(there), next = change(before);
            if (next == before) return before;
            if (await store.PutAsync(Name, JsonSerializer.SerializeToUtf8Bytes(next, OrderJson.Default.OperatorOrders), there?.ETag, ct) == PutResult.Written) return next;
            await Task.Delay(s_pause * (i + Random.Shared.NextDouble()), time, ct);
        }

        throw new StoreTroubleException("The operator's orders change faster than they can be written.");
    }

    // What cannot be read is not passed over: it may say that nothing is to be opened.
    private static OperatorOrders Parse(StoredObject? there)
    {
        if (there is null) return OperatorOrders.None;
        try
        {
            if (JsonSerializer.Deserialize(there.Bytes.Span, OrderJson.Default.OperatorOrders) is { Retired: not null } orders) return orders;
        }
        catch (JsonException e)
        {
            throw new StoreTroubleException("The operator's orders cannot be read.", e);
        }

        throw new StoreTroubleException("The operator's orders say nothing.");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(OperatorOrders))]
internal sealed partial class OrderJson : JsonSerializerContext;
