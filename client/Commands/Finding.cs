namespace GlobalCache.Client.Commands;

/// <summary>How something is that a client needs.</summary>
internal enum Health
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>It will do, or it cannot be told.</summary>
    Doubtful,

    /// <summary>It keeps the client from its work.</summary>
    Bad,
}

/// <summary>What the doctor has found.</summary>
/// <param name="Health">How it is.</param>
/// <param name="What">A word: port, store, clock.</param>
/// <param name="Said">One sentence.</param>
/// <param name="Mend">What to do; null: nothing.</param>
internal sealed record Finding(Health Health, string What, string Said, string? Mend = null);
