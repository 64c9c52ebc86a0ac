using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Policy;

namespace GlobalCache.Master.Policy;

/// <summary>
/// The text of a policy as it is found again and again, in a file or a parameter, while the master runs: what is new and good is taken whole; what is bad is refused whole, said once, and
/// what runs stays.
/// </summary>
/// <param name="take">Takes a good policy, the first one included.</param>
/// <param name="refused">Is told of all that is wrong with a text, a sentence each, once for each content.</param>
internal sealed class PolicyText(Action<GridPolicy> take, Action<IReadOnlyList<string>> refused)
{
    private static readonly GridPolicyValidator s_valid = new();
    private byte[]? _done;
    private byte[]? _doubted;

    /// <summary>Reads a policy. Null: there is something wrong with it, each thing a sentence that names the property.</summary>
    public static GridPolicy? Read(ReadOnlySpan<byte> json, out IReadOnlyList<string> wrong)
    {
        wrong = [];
        try
        {
            GridPolicy policy = GridPolicy.Parse(json);
            wrong = [.. s_valid.Validate(policy).Errors.Select(e => $"{e.PropertyName}: {e.ErrorMessage}")];
            return wrong.Count == 0 ? policy : null;
        }
        catch (JsonException e)
        {
            string where = e.Path is { Length: > 2 } at ? at[2..] : "The document";
            wrong = [$"{where}: {e.Message}"];
            return null;
        }
    }

    /// <summary>Whether any has been judged.</summary>
    public bool HasBegun => _done is not null;

    /// <summary>Whether what was found last is what runs.</summary>
    public bool IsTaken { get; private set; }

    /// <summary>Judges what has been found. What is wrong is said with the second look that finds it so: it may be half written.</summary>
    /// <param name="content">The text, or what stands for it where it cannot be read.</param>
    /// <param name="wrong">Why it cannot be read; none: it can.</param>
    /// <returns><see cref="IsTaken"/>.</returns>
    public bool Found(byte[] content, IReadOnlyList<string> wrong)
    {
        byte[] hash = SHA256.HashData(content);
        if (_done is not null && hash.AsSpan().SequenceEqual(_done)) return IsTaken;

        GridPolicy? policy = wrong.Count == 0 ? Read(content, out wrong) : null;
        bool isFirst = _done is null && _doubted is null;
        bool isSame = _doubted is not null && hash.AsSpan().SequenceEqual(_doubted);
        (_doubted, IsTaken) = (hash, policy is not null);
        if (policy is not null) take(policy);
        else if (isFirst || isSame) refused(wrong);
        else return false;
        _done = hash;
        return IsTaken;
    }
}
