using System.Security.Cryptography;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;

namespace GlobalCache.Node;

/// <summary>
/// One known object among the records, <c>v/canary</c>, read every minute. A store that says “missing” of it is forbidden to us, or another grid's: then every
/// asset would seem absent, and the node is not ready. The first node of a grid writes it.
/// </summary>
internal sealed class Canary(IObjectStore store, GridKeys keys, TimeProvider time, ILogger log)
{
    public const string Name = "v/canary";

    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(60), s_retry = TimeSpan.FromSeconds(2);

    private readonly byte[] _expected = HMACSHA256.HashData(keys.Name, "gc/canary/1"u8);
    private volatile bool _sings;
    private bool _told;

    /// <summary>Whether the store was right when last asked.</summary>
    public bool Sings => _sings;

    /// <summary>Asks the store now.</summary>
    public async Task<bool> CheckAsync(CancellationToken ct)
    {
        string? wrong;
        try
        {
            wrong = await ReadAsync(ct) is { } there ? Judge(there)
                : await store.PutAsync(Name, _expected, ifMatch: null, ct) == PutResult.Written ? null
                : await ReadAsync(ct) is { } other ? Judge(other) : "it hides what lies in it; may this node read there?";
        }
        catch (StoreTroubleException e)
        {
            wrong = e.Message;
        }
        if (wrong is not null && (_sings || !_told)) log.NotReady(wrong);
        if (wrong is null && _told && !_sings) log.ReadyAgain();
        _told |= wrong is not null;
        return _sings = wrong is null;
    }

    /// <summary>Asks again and again until <paramref name="ct"/>, more often while something is wrong.</summary>
    public async Task FollowAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_sings ? s_every : s_retry, time, ct);
                await CheckAsync(ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    private ValueTask<StoredObject?> ReadAsync(CancellationToken ct) => store.GetAsync(Name, ct);

    private string? Judge(StoredObject there) => there.Bytes.Span.SequenceEqual(_expected) ? null : "it is another grid's.";
}

/// <summary>The node's own events, 6000 – 6049. Nobody's asset or address is ever named.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(6000, LogLevel.Warning, "The store cannot be used, nothing is served: {wrong}")]
    public static partial void NotReady(this ILogger log, string wrong);

    [LoggerMessage(6001, LogLevel.Information, "The store can be used again.")]
    public static partial void ReadyAgain(this ILogger log);

    [LoggerMessage(6002, LogLevel.Information, "Draining: requests are still answered, clients are told to go elsewhere.")]
    public static partial void Draining(this ILogger log);
}
