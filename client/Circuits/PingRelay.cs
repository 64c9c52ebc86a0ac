using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Circuits;

/// <summary>
/// Pings pass, so that both ends measure the true round trip; on their way they tell us how far each end is, and a StartPingCheck's OldestUnacked
/// is put into its receiver's numbers, lowered to what of ours is still unacked (PROTOCOL §1.7).
/// </summary>
internal static class PingRelay
{
    /// <param name="now">Timestamp.</param>
    /// <param name="lane">The direction it travels in.</param>
    /// <param name="opposite">The other one.</param>
    /// <param name="datagram">A StartPingCheck or CompletePingCheck.</param>
    public static void Pass(long now, Lane lane, Lane opposite, ref Datagram datagram)
    {
        Span<byte> scratch = datagram.Header.ZeroCoded ? stackalloc byte[ZeroCode.MaxExpanded] : default;
        if (!datagram.TryOpen(scratch, out ReadOnlySpan<byte> body) || body.IsEmpty)
        {
            return;
        }

        if (datagram.Message == Message.CompletePingCheck)
        {
            opposite.PingCompleted(body[0], now);
            return;
        }

        if (!Housekeeping.TryReadStartPing(body, out byte ping, out uint oldest))
        {
            return;
        }

        lane.PingStarted(ping, now);
        uint translated = lane.Map.ForwardOldestUnacked(oldest, lane.Sent.Oldest);
        if (translated != oldest)
        {
            Span<byte> rewritten = stackalloc byte[5];
            Housekeeping.WriteStartPing(ping, translated, rewritten);
            datagram.TryReplaceBody(rewritten);
        }
    }
}
