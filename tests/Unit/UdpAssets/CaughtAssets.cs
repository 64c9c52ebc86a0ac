using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>The client around a circuit, as a list of what it was given. It holds nothing.</summary>
internal sealed class CaughtAssets : IUdpAssets
{
    public List<(AssetType Type, Guid Id, byte[] Bytes)> Whole { get; } = [];

    public List<(Guid Id, byte[] Bytes, bool[] Held)> Parts { get; } = [];

    public List<(AssetType Type, Guid Id)> Hints { get; } = [];

    public HashSet<Guid> Excluded { get; } = [];

    public AssetRead? TryRead(AssetType type, Guid id, Action done) => null;

    public bool IsExcluded(Guid texture) => Excluded.Contains(texture);

    public void Captured(AssetType type, Guid id, byte[] bytes) => Whole.Add((type, id, bytes));

    public void CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held) => Parts.Add((id, bytes, held));

    public void Hint(AssetType type, Guid id) => Hints.Add((type, id));
}
