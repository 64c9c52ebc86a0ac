using System.Globalization;
using System.Net;
using GlobalCache.Chaos.World;
using GlobalCache.Master.Zones;

namespace GlobalCache.Chaos.Parts;

/// <summary>The nodes' name at those who answer for it: what is published is in force with all of them only after a while.</summary>
internal sealed class Zone
{
    private readonly Simulation _world;
    private readonly Random _dice;
    private readonly List<(TimeSpan At, HashSet<IPAddress> Set)> _coming = [];
    private readonly Dictionary<IPAddress, TimeSpan> _namedUntil = [];
    private HashSet<IPAddress> _published = [], _inForce = [];

    public Zone(Simulation world)
    {
        (_world, _dice) = (world, world.Dice("zone"));
        Calls = new FarCalls(world, "zone", why => new ZoneTroubleException(why));
    }

    /// <summary>The ways there and back.</summary>
    public FarCalls Calls { get; }

    /// <summary>Told of every change.</summary>
    public Action<IReadOnlySet<IPAddress>, IReadOnlySet<IPAddress>> Changing { get; set; } = (_, _) => { };

    public IReadOnlySet<IPAddress> Published => _published;

    /// <summary>What a resolver is told that asks now.</summary>
    public IReadOnlySet<IPAddress> Answer()
    {
        Settle();
        return _dice.Next(2) == 0 && _coming.Count > 0 ? _coming[0].Set : _inForce;
    }

    /// <summary>When an address was last in any server's answer; null: never. Now, if it still is.</summary>
    public TimeSpan? LastNamed(IPAddress address)
    {
        Settle();
        return _inForce.Contains(address) || _coming.Any(c => c.Set.Contains(address)) ? _world.Now : _namedUntil.TryGetValue(address, out TimeSpan at) ? at : null;
    }

    /// <summary>As one program sees it.</summary>
    public IZone For(Life life) => new Face(this, life);

    private string Publish(HashSet<IPAddress> set)
    {
        Settle();
        if (_published.SetEquals(set)) return "";
        Changing(_published, set);
        _published = set;
        _world.Tell($"published {string.Join(' ', set.Select(a => a.ToString()).Order(StringComparer.Ordinal))}");
        TimeSpan at = _world.Now + TimeSpan.FromSeconds(1 + (9 * _dice.NextDouble()));
        if (_coming.Count > 0 && at < _coming[^1].At) at = _coming[^1].At;
        _coming.Add((at, set));
        return at.Ticks.ToString(CultureInfo.InvariantCulture);
    }

    private void Settle()
    {
        while (_coming.Count > 0 && _coming[0].At <= _world.Now)
        {
            foreach (IPAddress gone in _inForce.Where(a => !_coming[0].Set.Contains(a))) _namedUntil[gone] = _coming[0].At;
            _inForce = _coming[0].Set;
            _coming.RemoveAt(0);
        }
    }

    private bool IsInSync(string change) => change.Length == 0 ? _coming.Count == 0 : _world.Now.Ticks >= long.Parse(change, CultureInfo.InvariantCulture);

    private HashSet<IPAddress> All()
    {
        Settle();
        return [.. _inForce, .. _coming.SelectMany(c => c.Set)];
    }

    private sealed class Face(Zone zone, Life life) : IZone
    {
        public Task<IReadOnlySet<IPAddress>> ReadAsync(CancellationToken ct) => zone.Calls.CallAsync(life, () => zone.Published, ct);

        public Task<string> PublishAsync(IReadOnlySet<IPAddress> addresses, TimeSpan ttl, CancellationToken ct)
        {
            HashSet<IPAddress> set = [.. addresses];
            return zone.Calls.CallAsync(life, () => zone.Publish(set), ct);
        }

        public Task<bool> IsInSyncAsync(string change, CancellationToken ct) => zone.Calls.CallAsync(life, () => zone.IsInSync(change), ct);

        public Task<IReadOnlySet<IPAddress>> AskAsync(CancellationToken ct) => zone.Calls.CallAsync(life, () => (IReadOnlySet<IPAddress>)zone.All(), ct);
    }
}
