using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Assets;

/// <summary>What pieces are joined by: nothing is ever joined across sessions, grids or types (PROTOCOL §3.6).</summary>
/// <param name="Scope">See <see cref="AssetSource.Scope"/>.</param>
/// <param name="Grid">The grid id, or while the region has not told it the task that will.</param>
/// <param name="Type">The type asked for.</param>
/// <param name="Id">The asset's UUID.</param>
internal readonly record struct AssemblyKey(object Scope, object Grid, AssetType Type, Guid Id);
