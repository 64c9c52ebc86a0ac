namespace GlobalCache.Live;

/// <summary>How long a run has gone on.</summary>
internal sealed class Clock(TimeProvider time)
{
    private readonly long _since = time.GetTimestamp();

    public TimeProvider Time => time;

    public TimeSpan Now => time.GetElapsedTime(_since);

    /// <summary>Waits; false: the run has been told to end.</summary>
    public async Task<bool> WaitAsync(TimeSpan span, CancellationToken ct)
    {
        try
        {
            await Task.Delay(span, time, ct);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
