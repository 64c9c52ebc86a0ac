using Microsoft.Extensions.Logging;

namespace GlobalCache.Chaos.World;

/// <summary>What the product's parts say, down to the finest level; no part of what happens.</summary>
internal sealed class ProductLog : ILogger, IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter? _file;

    /// <param name="file">Where every line goes; null: nowhere.</param>
    public ProductLog(string? file) => _file = file is null ? null : new StreamWriter(file);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => _file is not null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        // A store's own thread says something too.
        lock (_gate) _file?.WriteLine($"{logLevel} {eventId.Id} {formatter(state, exception)} {exception}");
    }

    public void Dispose()
    {
        lock (_gate) _file?.Dispose();
    }
}
