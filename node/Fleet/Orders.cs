using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Fleet;

/// <summary>
/// What the master has said last, and whether a word of it is to be believed (SCALING §4): none of an earlier epoch, and none written before the last one that
/// counted. So a deposed master can neither drain nor end a node, and what was overheard cannot be said again. Safe for concurrent use.
/// </summary>
internal sealed class Orders
{
    private readonly Lock _gate = new();
    private NodeWord _word = NodeWord.Serve;
    private long _epoch, _at;

    /// <summary>Whether clients are to be told to go elsewhere.</summary>
    public bool IsDraining
    {
        get
        {
            lock (_gate) return _word != NodeWord.Serve;
        }
    }

    /// <summary>Whether it has agreed to be ended: from then on it is not ready, so that no later master calls it back while an earlier one is about to end it.</summary>
    public bool HasAgreedToGo
    {
        get
        {
            lock (_gate) return _word == NodeWord.Retire;
        }
    }

    /// <summary>The epoch of the last word; 0: none has come.</summary>
    public long Epoch
    {
        get
        {
            lock (_gate) return _epoch;
        }
    }

    /// <summary>Takes a word. False: a later master or a later word has been heard; or it is “you are about to be ended”, and the node serves or is busy.</summary>
    /// <param name="order">Signed, of this minute, and for this node.</param>
    /// <param name="inFlight">Requests being answered now.</param>
    public bool TryTake(NodeOrder order, int inFlight)
    {
        lock (_gate)
        {
            if (order.Epoch < _epoch || (order.Epoch == _epoch && order.At <= _at)) return false;
            if (order.Word == NodeWord.Retire && (_word == NodeWord.Serve || inFlight > 0)) return false;
            (_epoch, _at, _word) = (order.Epoch, order.At, order.Word);
            return true;
        }
    }
}
