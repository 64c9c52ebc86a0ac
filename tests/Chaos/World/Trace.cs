using System.Globalization;

namespace GlobalCache.Chaos.World;

/// <summary>
/// All that happens, as one number: two runs of a seed are the same run if they end with the same. The last lines are kept, to be shown with what went wrong;
/// all of them can be written to a file.
/// </summary>
internal sealed class Trace : IDisposable
{
    private const int Kept = 200;
    private const ulong Prime = 1_099_511_628_211;

    private readonly Queue<string> _last = new(Kept);
    private readonly StreamWriter? _file;

    /// <param name="file">Where every line goes; null: nowhere.</param>
    public Trace(string? file) => _file = file is null ? null : new StreamWriter(file);

    /// <summary>FNV-1a over all lines.</summary>
    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037;

    public long Count { get; private set; }

    public IEnumerable<string> Last => _last;

    /// <summary>Something has happened.</summary>
    public void Add(TimeSpan now, string what)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"{now.Ticks} {what}");
        foreach (char c in line) Hash = (Hash ^ c) * Prime;
        Count++;
        if (_last.Count == Kept) _last.Dequeue();
        _last.Enqueue(line);
        _file?.WriteLine(line);
    }

    public void Dispose() => _file?.Dispose();
}
