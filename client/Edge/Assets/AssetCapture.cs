using System.Threading.Channels;
using GlobalCache.Client.Assets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// What becomes of an assembly when viewers have left it: a complete one is checked and stored, one after another; an
/// incomplete one is handed on to be completed; a closed one gives its memory back (PROTOCOL §3.6.4, §7.4, §7.5).
/// </summary>
internal sealed class AssetCapture : IAsyncDisposable
{
    private static readonly TimeSpan LastKeeps = TimeSpan.FromSeconds(2);

    private readonly Assemblies _assemblies;
    private readonly AssetIntake _intake;
    private readonly GridChecks? _checks;
    private readonly ClientLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<Assembly> _complete = Channel.CreateUnbounded<Assembly>(new() { SingleReader = true });
    private readonly Channel<Assembly> _incomplete = Channel.CreateUnbounded<Assembly>();
    private readonly Recent<AssemblyKey, bool> _refused;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _keeping;

    public AssetCapture(Assemblies assemblies, AssetIntake intake, GridChecks? checks, ClientLimits limits, TimeProvider time, ILogger log)
    {
        (_assemblies, _intake, _checks, _limits, _time, _log) = (assemblies, intake, checks, limits, time, log);
        _refused = new(4096, limits.AssemblyLifetime, time);
        _keeping = KeepAllAsync();
    }

    /// <summary>Assemblies to be completed in the background, each at most once at a time.</summary>
    public ChannelReader<Assembly> Incomplete => _incomplete.Reader;

    /// <summary>To be called whenever a viewer has left an assembly or a fetch has ended.</summary>
    public void Review(Assembly assembly)
    {
        Todo todo = assembly.Review(out long unused);
        if (unused > 0) _assemblies.Release(unused);
        switch (todo)
        {
            case Todo.Keep:
                if (assembly.Question.Source.GridId.IsCompletedSuccessfully) _complete.Writer.TryWrite(assembly);
                else _ = KeepWhenToldAsync(assembly);
                break;
            case Todo.Complete:
                if (assembly.Total <= CompleteUpTo(assembly.Key.Type) && !_refused.TryGet(assembly.Key, out _)
                    && !_intake.IsExcluded(assembly.Key.Type, assembly.Key.Id) && assembly.TryQueue()) _incomplete.Writer.TryWrite(assembly);
                break;
            case Todo.Forget:
                _assemblies.Forget(assembly);
                break;
        }
    }

    /// <summary>Whether bytes from the cache grid are of a kind no viewer is given from there.</summary>
    public bool Refuses(AssetKey key, byte[] plain) => _intake.Refuses(key.Type, key.Id, plain);

    /// <summary>Do not try again to complete or keep this one for a while.</summary>
    public void Refuse(Assembly assembly) => _refused.Set(assembly.Key, true);

    /// <summary>Keeps what is complete already, as long as that takes no more than a moment: it will not have to be fetched again.</summary>
    public async ValueTask DisposeAsync()
    {
        _complete.Writer.TryComplete();
        _incomplete.Writer.TryComplete();
        await Task.WhenAny(_keeping, Task.Delay(LastKeeps, _time));
        await _stop.CancelAsync();
        await _keeping;
        _stop.Dispose();
    }

    // A sound or an animation is read in parts by bots only; a texture's bound fits them all.
    private int CompleteUpTo(AssetType type) => type == AssetType.Mesh ? _limits.CompleteMeshUpToBytes : _limits.CompleteTextureUpToBytes;

    // Bytes wait in memory until the region has told whose they are.
    private async Task KeepWhenToldAsync(Assembly assembly)
    {
        try
        {
            await assembly.Question.Source.GridId.WaitAsync(_limits.GridIdTimeout * 2, _time, _stop.Token);
            _complete.Writer.TryWrite(assembly);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            Forget(assembly);
        }
    }

    private async Task KeepAllAsync()
    {
        await foreach (Assembly assembly in _complete.Reader.ReadAllAsync())
        {
            try
            {
                if (!_stop.IsCancellationRequested) await KeepAsync(assembly);
            }
            catch (OperationCanceledException)
            {
                // The relay is being closed.
            }
            catch (Exception e)
            {
                Log.BackgroundFailed(_log, e);
            }
            Forget(assembly);
        }
    }

    private async Task KeepAsync(Assembly assembly)
    {
        (_, _, AssetType type, Guid id) = assembly.Key;
        string gridId = await assembly.Question.Source.GridId;
        byte[] plain = assembly.Whole();
        if (!await _intake.KeepAsync(gridId, type, id, plain, _stop.Token)) Refuse(assembly);
        else if (_checks is not null && assembly.Sender is { } sender) await _checks.ReceivedAsync(new AssetKey(gridId, type, id), plain, sender);
    }

    private void Forget(Assembly assembly)
    {
        assembly.Close();
        _assemblies.Forget(assembly);
        Review(assembly);
    }
}
