using GlobalCache.Node.Vouching;
using GlobalCache.Office.Control;
using GlobalCache.Policy;

namespace GlobalCache.Node.Ingest;

/// <summary>What the grid's owner has laid down; asked for anew at every claim, so that changes take effect at once.</summary>
/// <param name="Policy">When bytes are believed.</param>
/// <param name="Grids">The virtual worlds that are shared.</param>
/// <param name="Bans">What is not to be had.</param>
/// <param name="Revoked">Branches whose word counts no more.</param>
internal sealed record IngestRules(
    Func<VouchingPolicy> Policy, Func<IReadOnlyList<SharedGrid>> Grids, Func<Bans> Bans, Func<IReadOnlyCollection<string>> Revoked)
{
    /// <summary>Told of every claim that was heard: the branch, the asset's object name, and what came of it.</summary>
    public Action<string, string, ClaimAnswer> Claimed { get; init; } = (_, _, _) => { };

    /// <summary>The entry of a grid; null: it has none.</summary>
    public SharedGrid? Grid(string id)
    {
        foreach (SharedGrid grid in Grids())
        {
            if (grid.Id == id) return grid;
        }
        return null;
    }
}
