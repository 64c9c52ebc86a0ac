using GlobalCache.Policy.Assets;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Assets;

/// <summary>How the grid is asked for an asset: in the viewer's own words, but for the range (PROTOCOL §3.6).</summary>
/// <param name="Source">Whom to ask.</param>
/// <param name="Type">The type asked for; a texture where it is none of ours, since the cap for textures is the one that serves most.</param>
/// <param name="Remainder">The path after the cap.</param>
/// <param name="Query">The viewer's query, with its question mark.</param>
/// <param name="Headers">The viewer's headers without Range and without those of its connection.</param>
internal sealed record Question(AssetSource Source, AssetType Type, string Remainder, string Query, KeyValuePair<string, StringValues>[] Headers);
