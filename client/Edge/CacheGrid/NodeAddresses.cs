using System.Net;
using System.Text.Json;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Where the nodes are (DESIGN §3), followed as it changes: what name servers or the resolver say, else the last good answer, which outlives a restart,
/// else what the grid file names to begin with. A file without name servers but with nodes is that of a node alone, for which nobody is asked.
/// </summary>
internal sealed class NodeAddresses : IAsyncDisposable
{
    private const int MostBytes = 64 << 10;

    /// <summary>TTLs are obeyed between these.</summary>
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1), s_longest = TimeSpan.FromMinutes(5);

    /// <summary>When nobody knew anything they are asked again after this.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(15);

    private readonly GridFile _file;
    private readonly GridNodes _nodes;
    private readonly NodeConnections _connections;
    private readonly NodeNames _names;
    private readonly string _lastFile;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _found = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _following;
    private string[] _last = [];

    /// <param name="file">The grid.</param>
    /// <param name="nodes">Told of every change.</param>
    /// <param name="connections">Lets go of the addresses that are no longer named.</param>
    /// <param name="names">Who is asked.</param>
    /// <param name="lastFile">Where the last good answer is kept.</param>
    /// <param name="time">The clock of TTLs.</param>
    /// <param name="log">Told what cannot be kept.</param>
    public NodeAddresses(GridFile file, GridNodes nodes, NodeConnections connections, NodeNames names, string lastFile, TimeProvider time, ILogger log)
    {
        (_file, _nodes, _connections, _names, _lastFile, _time, _log) = (file, nodes, connections, names, lastFile, time, log);
        bool alone = file.NameServers.Count == 0 && file.Nodes.Count > 0;
        if (!alone) _last = ReadLast();
        Take([.. Addresses(_last.Length > 0 ? _last : file.Nodes)]);
        _following = alone ? Task.CompletedTask : FollowAsync();
    }

    /// <summary>The file of a grid's last good answer.</summary>
    public static string LastFileOf(string configFolder, string host) => Path.Combine(configFolder, $"grid-{host.ToLowerInvariant()}.nodes");

    /// <summary>Ends when there is an address to ask.</summary>
    /// <exception cref="OperationCanceledException">With <paramref name="stop"/>.</exception>
    public Task FoundAsync(CancellationToken stop) => _found.Task.WaitAsync(stop);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following;
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            while (true)
            {
                (IReadOnlyList<IPAddress> found, TimeSpan good) = await _names.AskAsync(_stop.Token);
                if (found.Count > 0)
                {
                    IPEndPoint[] named = [.. found.Distinct().Select(a => new IPEndPoint(a, _file.Port))];
                    Take(named);
                    Remember(named);
                }
                else good = s_again;
                await Task.Delay(good < s_shortest ? s_shortest : good > s_longest ? s_longest : good, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The client is being closed.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
    }

    private void Take(IPEndPoint[] named)
    {
        _nodes.Update(named);
        _connections.Keep(named);
        if (named.Length > 0) _found.TrySetResult();
    }

    private IEnumerable<IPEndPoint> Addresses(IEnumerable<string> texts)
    {
        foreach (string text in texts)
        {
            if (GridFileReader.TryAddress(text, _file.Port, out IPEndPoint address)) yield return address;
        }
    }

    private void Remember(IPEndPoint[] named)
    {
        string[] texts = [.. named.Select(n => n.ToString()).Order(StringComparer.Ordinal)];
        if (texts.AsSpan().SequenceEqual(_last)) return;
        _last = texts;
        try
        {
            AtomicFile.Write(_lastFile, JsonSerializer.SerializeToUtf8Bytes(texts));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.LookupFailed(_log, e.Message);
        }
    }

    private string[] ReadLast()
    {
        try
        {
            if (!File.Exists(_lastFile) || new FileInfo(_lastFile).Length > MostBytes) return [];
            return [.. (JsonSerializer.Deserialize<string?[]>(File.ReadAllBytes(_lastFile)) ?? []).OfType<string>().Take(NodeNames.MostAddresses)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            // As if there had been none.
            return [];
        }
    }
}
