using System.Net;
using System.Security.Authentication;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>What is wrong with the cache grid, said once in the log until it has served again: a viewer asks hundreds of times.</summary>
internal sealed class GridTroubles(TimeProvider time, ILogger log)
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _said = [];
    private bool _served, _later;
    private string? _trouble;

    /// <summary>What is wrong now, in half a sentence; null: nothing that is known.</summary>
    public string? Now
    {
        get { lock (_gate) return _trouble; }
    }

    /// <summary>The last lookup was answered as it should be.</summary>
    public bool IsServed
    {
        get { lock (_gate) return _served; }
    }

    /// <summary>A lookup was answered as it should be.</summary>
    public void Served()
    {
        lock (_gate)
        {
            if (_served) return;
            _served = true;
            _trouble = null;
            _said.Clear();
        }
        Log.Serves(log);
    }

    /// <summary>A node could not be asked.</summary>
    public void Node(Exception e)
    {
        if (!Certificate(e) && First("reach", $"its nodes cannot be reached ({HttpTrouble.Reason(e)})")) Log.Unreachable(log, HttpTrouble.Reason(e));
        Log.LookupFailed(log, HttpTrouble.Reason(e));
    }

    /// <summary>Nodes take requests and answer none before the virtual world does.</summary>
    public void Unanswered()
    {
        if (First("reach", "its nodes take requests and do not answer in time")) Log.Unreachable(log, "no answer before the virtual world's own");
    }

    /// <summary>A node sent what it should not.</summary>
    public void Lying(IPEndPoint node, string fault)
    {
        if (First($"lie {node}", $"the node at {node} sends what it should not")) Log.Lying(log, node, fault);
    }

    /// <summary>A node sent an asset in a form of a later version: said once, whatever is served between.</summary>
    public void Later()
    {
        lock (_gate)
        {
            if (_later) return;
            _later = true;
        }
        Log.Later(log);
    }

    /// <summary>There is no session.</summary>
    public void Session(Exception e)
    {
        if (e is HttpRequestException { StatusCode: null } or OperationCanceledException) Node(e);
        else Session(HttpTrouble.Reason(e));
    }

    /// <summary>A node takes no session of ours.</summary>
    public void Session(string reason)
    {
        if (First("session", $"it gives no session ({reason})")) Log.NoSession(log, reason);
    }

    public void Background(Exception e) => Log.BackgroundFailed(log, e);

    private bool Certificate(Exception e)
    {
        if ((e as AuthenticationException ?? e.InnerException as AuthenticationException) is not { } refused) return false;
        if (refused.Message.Contains("NotTimeValid", StringComparison.Ordinal))
        {
            if (First("clock", "its certificate is not valid at this machine's time: is the clock right?")) Log.Clock(log, time.GetUtcNow());
        }
        else if (First("certificate", "whoever answers is not this grid")) Log.Certificate(log, refused.Message);
        return true;
    }

    private bool First(string what, string trouble)
    {
        lock (_gate)
        {
            _served = false;
            _trouble = trouble;
            return _said.Count < 256 && _said.Add(what);
        }
    }
}
