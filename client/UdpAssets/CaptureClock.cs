using GlobalCache.Client.Circuits;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// When the captures of one circuit want to be looked through. The moment may come before any is due, as packets put their captures off without
/// telling; it is then set anew from all of them, at most once a second.
/// </summary>
internal sealed class CaptureClock(long ticksPerSecond)
{
    /// <summary><see cref="Circuit.Never"/>: nothing waits.</summary>
    public long Deadline { get; private set; } = Circuit.Never;

    /// <summary>Something is due then.</summary>
    public void Expect(long due) => Deadline = Math.Min(Deadline, due);

    /// <summary>All have been looked through; the next is due at <paramref name="due"/>.</summary>
    public void Begin(long now, long due) => Deadline = due == Circuit.Never ? Circuit.Never : Math.Max(due, now + ticksPerSecond);
}
