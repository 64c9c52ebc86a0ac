using System.Threading.Channels;

namespace GlobalCache.TestGrid.Link;

/// <summary>Hands things on in order, each when its time has come.</summary>
internal sealed class DelayLine<T> : IAsyncDisposable
{
    private readonly Channel<(T Item, long At)> items = Channel.CreateUnbounded<(T, long)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource stopping = new();
    private readonly TimeProvider time;
    private readonly Action<T> deliver;
    private readonly Task loop;

    public DelayLine(TimeProvider time, Action<T> deliver)
    {
        (this.time, this.deliver) = (time, deliver);
        loop = Task.Run(RunAsync);
    }

    public void Add(T item, long at) => items.Writer.TryWrite((item, at));

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await loop;
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach ((T item, long at) in items.Reader.ReadAllAsync(stopping.Token))
            {
                await time.UntilAsync(at, stopping.Token);
                deliver(item);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}

/// <summary>Waiting for a timestamp.</summary>
internal static class Clock
{
    public static async ValueTask UntilAsync(this TimeProvider time, long at, CancellationToken cancelled)
    {
        while (true)
        {
            TimeSpan left = time.GetElapsedTime(time.GetTimestamp(), at);
            if (left <= TimeSpan.FromMicroseconds(200)) return;
            await Task.Delay(left, time, cancelled);
        }
    }
}
