using System.Net;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Circuits;

/// <summary>What a session learns from the packets that pass: that it ends, which region is its root, which textures are bakes.</summary>
internal static class CircuitWatch
{
    public static void See(Direction direction, in Datagram datagram, IPEndPoint sim, CircuitScope scope)
    {
        switch (datagram.Message)
        {
            case Message.LogoutRequest when direction == Direction.ToSim:
                scope.Events.Ended(SessionEnd.LogoutRequest);
                break;
            case Message.LogoutReply when direction == Direction.ToViewer:
                scope.Events.Ended(SessionEnd.LogoutReply);
                break;
            case Message.KickUser when direction == Direction.ToViewer:
                scope.Events.Ended(SessionEnd.KickUser);
                break;
            case Message.CloseCircuit when sim.Equals(scope.Root):
                scope.Events.Ended(SessionEnd.CloseCircuit);
                break;
            case Message.UseCircuitCode when direction == Direction.ToSim:
                scope.Root ??= sim;
                break;
            case Message.CompleteAgentMovement when direction == Direction.ToSim:
                scope.Root = sim;
                break;
            default:
                if (BakedTextures.MayName(datagram.Message))
                {
                    FindBaked(datagram, scope);
                }

                break;
        }
    }

    private static void FindBaked(in Datagram datagram, CircuitScope scope)
    {
        Span<byte> scratch = datagram.Header.ZeroCoded ? stackalloc byte[ZeroCode.MaxExpanded] : default;
        if (datagram.TryOpen(scratch, out ReadOnlySpan<byte> body))
        {
            BakedTextures.Find(datagram.Message, body, scope.Events.BakedTexture);
        }
    }
}
