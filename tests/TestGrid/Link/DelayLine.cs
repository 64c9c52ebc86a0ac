using System.Threading.Channels;

namespace GlobalCache.TestGrid.Link;

/// <summary>Hands things on in order, each when its time has come.</summary>
internal sealed class DelayLine<T> : IAsyncDisposable
{
    private readonly Channel<(T Item, long At)> items = Channel.CreateUnbounded<(T, long)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource stopping = new();
    private readonly LinkClock clock;
    private readonly Action<T> deliver;
    private readonly Task loop;

    public DelayLine(LinkClock clock, Action<T> deliver)
    {
        (this.clock, this.deliver) = (clock, deliver);
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
                await clock.UntilAsync(at, stopping.Token);
                deliver(item);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}
