namespace GlobalCache.Master.Fleets;

/// <summary>
/// Fewer calls after EC2 has asked for fewer: 5 s, then twice as long each time, 120 s at most, each longer by up to a quarter so that two masters do not come together.
/// One for each kind of call, as EC2 counts them apart. Pure.
/// </summary>
internal sealed class Ec2BackOff(Func<double> random)
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(5), s_longest = TimeSpan.FromSeconds(120);
    private int _times;
    private DateTimeOffset _asked, _until;

    /// <summary>How long nothing is to be asked; zero: go ahead.</summary>
    public TimeSpan Left(DateTimeOffset now)
    {
        // A clock set back must not shut the door for longer than the pause was.
        if (now < _asked) _until = now;
        return now < _until ? _until - now : TimeSpan.Zero;
    }

    /// <summary>EC2 has asked for fewer calls.</summary>
    public void Throttled(DateTimeOffset now)
    {
        TimeSpan pause = s_first * Math.Pow(2, Math.Min(_times++, 5));
        if (pause > s_longest) pause = s_longest;
        (_asked, _until) = (now, now + (pause * (1 + (random() / 4))));
    }

    /// <summary>It has answered.</summary>
    public void Answered() => _times = 0;
}
