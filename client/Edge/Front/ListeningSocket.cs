using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Resumption;

namespace GlobalCache.Client.Edge;

/// <summary>Where viewers connect to.</summary>
internal static class ListeningSocket
{
    /// <summary>The port is taken before anything else is done, so that a busy one leaves no trace. Where any will do, it is the one viewers know.</summary>
    /// <exception cref="CannotStartException">It cannot be had.</exception>
    public static Socket Open(ClientOptions options, ResumeRecord? before)
    {
        if (options.Port is null or 0 && before is not null && IPEndPoint.Parse(before.Endpoint) is var known && known.Address.Equals(options.Listen))
        {
            try
            {
                return Bind(known);
            }
            catch (CannotStartException)
            {
                // Somebody else's now: a new one, and nothing is resumed.
            }
        }
        return Bind(new IPEndPoint(options.Listen, options.Port ?? 0));
    }

    private static Socket Bind(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Elsewhere nobody can listen on a port that is listened on; Windows must be told so.
            if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
            socket.Bind(endpoint);
            // At once, so that of two that start together the second is told here.
            socket.Listen();
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new CannotStartException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"Port {endpoint.Port} is in use: stop the other program, or choose another with --port (0 takes a free one).",
                SocketError.AccessDenied => $"Port {endpoint.Port} may not be used by this user: choose one above 1023 with --port.",
                SocketError.AddressNotAvailable => $"{endpoint.Address} is no address of this machine: give one with --listen.",
                _ => $"{endpoint} cannot be listened on ({e.SocketErrorCode}): choose another with --port or --listen.",
            });
        }
    }
}
