using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.Support;

/// <summary>
/// What the product logs to in tests. All it says, down to the finest level, and what its programs let through of the server beneath it, goes by
/// <see cref="SecretWatch"/>.
/// </summary>
/// <param name="from">Lines from this level on are kept to be read.</param>
internal sealed class WatchedLog(LogLevel from = LogLevel.Trace) : ILogger, ILoggerFactory, ILoggerProvider
{
    // A server's threads know nothing of the test that has started it.
    private readonly string? _test = TestContext.Current.Test?.UniqueID;

    /// <summary>A new one, for a test that does not read it.</summary>
    public static WatchedLog Unread => new(LogLevel.None);

    /// <summary>Each with its level, number and exception.</summary>
    public ConcurrentQueue<string> Lines { get; } = new();

    public string Text => string.Join('\n', Lines);

    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("Microsoft", StringComparison.Ordinal) ? new Beneath(this, LogLevel.Warning)
        : categoryName.StartsWith("Yarp", StringComparison.Ordinal) ? new Beneath(this, LogLevel.Error) : this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string line = $"{logLevel} {eventId.Id} {formatter(state, exception)} {exception}";
        SecretWatch.Hear(line, _test);
        if (logLevel >= from) Lines.Enqueue(line);
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    /// <summary>The server's and the forwarder's own words, as the programs' filters let them through.</summary>
    private sealed class Beneath(WatchedLog log, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) log.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
