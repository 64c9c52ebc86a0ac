using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Live.Load;

/// <summary>What a thousand clients complain of, counted by kind.</summary>
internal sealed class CountingLog : ILogger
{
    private readonly ConcurrentDictionary<string, long> _kinds = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> Kinds => _kinds;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    // Lookups that failed are told at the level below, each one.
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Debug;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _kinds.AddOrUpdate(logLevel >= LogLevel.Warning ? $"{eventId.Name}: {formatter(state, exception)}" : eventId.Name ?? $"{eventId.Id}", 1, (_, n) => n + 1);
}
