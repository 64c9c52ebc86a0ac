using System.Globalization;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Fuzz;

/// <summary>
/// A run by hand, with <c>FUZZ_SECONDS</c>: so many seconds of processor time a target and not of the clock, damage upon damage, and a line for each in <c>artifacts/fuzz.md</c>. An input that makes its
/// reader take another amount of memory than any before has come to another place in it: such are damaged further, which leads deeper than damaging sound ones alone. Everyday runs leave that out: what
/// they feed follows from their seed.
/// </summary>
internal sealed class LongRun(string target, double seconds)
{
    private const int MostKept = 4096, MostWays = 1 << 20, KeptBytes = 64 << 20;

    private readonly HashSet<long> _ways = [];
    private readonly TimeSpan _began = Environment.CpuUsage.TotalTime;
    private long _bytes;

    /// <summary>What is damaged: the seeds, and what was kept.</summary>
    public required List<byte[]> Pool { get; init; }

    private static string Folder => Path.Combine(Repository.Root, "artifacts");

    /// <summary>Processor time is what a busy machine cannot take away.</summary>
    public bool GoesOn(long fed) => fed % 16 != 0 || Used.TotalSeconds < seconds;

    private TimeSpan Used => Environment.CpuUsage.TotalTime - _began;

    /// <summary>After an input was read.</summary>
    public void Read(byte[] input, bool sound, long allocated)
    {
        if (_ways.Count >= MostWays || !_ways.Add((allocated * 2) + (sound ? 1 : 0)) || Pool.Count >= MostKept || _bytes + input.Length > KeptBytes) return;
        _bytes += input.Length;
        Pool.Add(input);
    }

    /// <summary>A row of a table: target, inputs, taken for sound, seconds of processor time, ways, kept, found.</summary>
    public void Tell(long fed, long sound, Exception? found)
    {
        Directory.CreateDirectory(Folder);
        File.AppendAllText(Path.Combine(Folder, "fuzz.md"), string.Create(CultureInfo.InvariantCulture,
            $"| {target} | {fed:#,0} | {sound:#,0} | {Used.TotalSeconds:0} | {_ways.Count:#,0} | {Pool.Count:#,0} | {(found is null ? "nothing" : found.GetBaseException().GetType().Name)} |{Environment.NewLine}"));
    }

    /// <summary>Whole, to become one of <c>Corpus</c>.</summary>
    public string Keep(byte[] input)
    {
        string file = Path.Combine(Folder, $"fuzz-{target}-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))[..12]}");
        Directory.CreateDirectory(Folder);
        File.WriteAllBytes(file, input);
        return file;
    }
}
