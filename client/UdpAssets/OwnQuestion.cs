using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// A texture that one circuit's sim is asked for on the client's own behalf (<see cref="IUdpAssets.TryTakeQuestion"/>). The viewer knows nothing of it,
/// and a packet it did not ask for would make it cancel: what comes is captured and swallowed, until the viewer asks for that texture too.
/// </summary>
internal sealed class OwnQuestion(IUdpAssets assets, CircuitIdentity identity, ImageCaptures captures)
{
    private const float Priority = 1_000_000;

    private Guid _texture;
    private bool _waits;

    /// <summary>The viewer has not asked for it.</summary>
    public bool IsAbout(Guid texture) => texture == _texture && texture != Guid.Empty;

    public void AskedByViewer(Guid texture)
    {
        if (IsAbout(texture))
        {
            (_texture, _waits) = (Guid.Empty, false);
        }
    }

    /// <summary>Asks if there is something to ask. False: try again soon.</summary>
    public bool TrySend(long now, Circuit circuit, IDatagramSink sink)
    {
        if (!_waits && assets.TryTakeQuestion(out Guid texture) && !captures.IsUnderWay(texture))
        {
            (_texture, _waits) = (texture, true);
        }

        if (!_waits)
        {
            return true;
        }

        Span<byte> body = stackalloc byte[64];
        var request = new ImageRequest(_texture, 0, Priority, 0, 0);
        int length = ImageMessages.WriteRequest(identity.AgentId, identity.SessionId, request, body);
        if (!circuit.TryInject(now, Direction.ToSim, Message.RequestImage, body[..length], reliable: true, sink, out _))
        {
            return false;
        }

        captures.Asked(now, request);
        _waits = false;
        return true;
    }
}
