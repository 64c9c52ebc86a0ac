namespace GlobalCache.Tests.Fuzz;

/// <summary>Something that reads what strangers send.</summary>
/// <param name="Seeds">What it is meant for, to be damaged.</param>
/// <param name="Read">Reads one, and fails where something was believed that should not be. True: it was taken for sound.</param>
internal sealed record FuzzTarget(IReadOnlyList<byte[]> Seeds, Func<byte[], bool> Read);
