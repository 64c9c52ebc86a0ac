using System.Collections.Immutable;

namespace GlobalCache.Policy.Cloud;

/// <summary>
/// A permissions boundary: what a role can never do more than, whatever is attached to it later. It names the same actions on the same resources as the role's own
/// documents, without their conditions: a boundary is one document, and two with all conditions are longer than AWS takes.
/// </summary>
public static class IamBoundary
{
    /// <summary>The boundary around some documents.</summary>
    /// <param name="documents">All that the role is given; they only allow.</param>
    /// <returns>A document that allows whatever they allow.</returns>
    public static IamDocument Around(params IEnumerable<IamDocument> documents)
    {
        var byResources = new Dictionary<string, (ImmutableArray<string> Resources, SortedSet<string> Actions)>();
        foreach (IamStatement statement in documents.SelectMany(d => d.Statements))
        {
            if (statement.Effect != IamEffect.Allow) throw new ArgumentException("A boundary is drawn around what is allowed.", nameof(documents));
            string key = string.Join('\n', statement.Resources.Order(StringComparer.Ordinal));
            if (!byResources.TryGetValue(key, out (ImmutableArray<string>, SortedSet<string> Actions) same)) byResources[key] = same = (statement.Resources, new(StringComparer.Ordinal));
            same.Actions.UnionWith(statement.Actions);
        }

        return new IamDocument([.. byResources.Values.Select((s, i) => new IamStatement { Sid = $"Within{i}", Actions = [.. s.Actions], Resources = s.Resources })]);
    }
}
