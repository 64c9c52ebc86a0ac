using GlobalCache.Chaos.Parts;
using GlobalCache.Chaos.World;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy;

namespace GlobalCache.Chaos.Invariants;

/// <summary><c>BoundedMemory</c>: what each part says it holds is within what it may hold, and is given back when nobody is there any more. Looked at every minute.</summary>
internal sealed class MemoryPromises(Promises promises, ClientLimits limits)
{
    public const string BoundedMemory = nameof(BoundedMemory);

    private const int MostMinutes = 5;

    private readonly Dictionary<string, int> _forNothing = [];

    public void Look(NodeLife node) =>
        promises.Check(BoundedMemory, node.Cache.Bytes <= NodeLife.CacheBytes, () => $"{node.Life.Name} holds {node.Cache.Bytes} bytes in memory");

    public void Look(ClientLife client)
    {
        (int count, long reserved) = client.Relay.Assembling;
        promises.Check(BoundedMemory, reserved <= limits.AssemblyBytes && reserved >= 0, () => $"{client.Home.Name} has reserved {reserved} bytes for {count} assets");
        promises.Check(BoundedMemory, client.Claims.Waiting <= ClaimSpool.Capacity, () => $"{client.Claims.Waiting} claims wait at {client.Home.Name}");
        promises.Check(BoundedMemory, client.Store.BytesOnDisk <= ClientHome.StoreBytes, () => $"the store of {client.Home.Name} takes {client.Store.BytesOnDisk} bytes");
        promises.Check(BoundedMemory, client.Lookups.Asking is >= 0 and <= 64, () => $"{client.Lookups.Asking} lookups are under way at {client.Home.Name}");
        // What a broken answer has closed is held until its last fetch has ended.
        if (count > 0 || reserved == 0) _forNothing.Remove(client.Home.Name);
        else _forNothing[client.Home.Name] = _forNothing.GetValueOrDefault(client.Home.Name) + 1;
        promises.Check(BoundedMemory, _forNothing.GetValueOrDefault(client.Home.Name) < MostMinutes, () => $"{client.Home.Name} holds {reserved} bytes for nothing");
    }
}
