using System.Diagnostics;
using System.Globalization;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Fuzz;

/// <summary>
/// Damaged input for everything that reads what strangers send: nothing is thrown, nothing forged is believed, no input takes long or much memory. <c>FUZZ_SECONDS=3600</c> goes on for longer than
/// the moment of every run, <c>FUZZ_SEED=7</c> with other damage; what once broke something lies in <c>Corpus</c>, a folder a target, and is read again each time.
/// </summary>
public sealed class HostileInputTests(ITestOutputHelper output)
{
    private const long MostAllocated = 64 << 20;
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(2);

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Nothing_throws_and_nothing_forged_is_believed(string name)
    {
        FuzzTarget target = FuzzTargets.All[name]();
        Assert.NotEmpty(target.Seeds);
        double seconds = double.TryParse(Environment.GetEnvironmentVariable("FUZZ_SECONDS"), CultureInfo.InvariantCulture, out double wanted) ? wanted : 1;
        int seed = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_SEED"), CultureInfo.InvariantCulture, out int other) ? other : 1;
        var mutation = new Mutation(seed, target.Seeds);
        foreach (byte[] whole in target.Seeds.Concat(Corpus(name))) Feed(target, whole, $"{name}, undamaged or of the corpus");
        long began = Stopwatch.GetTimestamp(), fed = 0, sound = 0;
        for (; Stopwatch.GetElapsedTime(began).TotalSeconds < seconds; fed++)
        {
            if (Feed(target, mutation.Next(), $"{name}, FUZZ_SEED={seed}, input {fed}")) sound++;
        }

        output.WriteLine($"{name}: {fed} inputs, {sound} taken for sound");
        Assert.True(fed > 20, "too slow to find anything");
    }

    private static bool Feed(FuzzTarget target, byte[] input, string which)
    {
        long before = GC.GetAllocatedBytesForCurrentThread(), began = Stopwatch.GetTimestamp();
        bool sound;
        try
        {
            sound = target.Read(input);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{which}: {Convert.ToHexString(input.AsSpan(0, Math.Min(input.Length, 4096)))}", e);
        }

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MostAllocated, $"{which} allocates {GC.GetAllocatedBytesForCurrentThread() - before} bytes for {input.Length}");
        // A stalled machine is no finding; a second look at the same input tells.
        if (Stopwatch.GetElapsedTime(began) > s_most)
        {
            began = Stopwatch.GetTimestamp();
            target.Read(input);
            Assert.True(Stopwatch.GetElapsedTime(began) < s_most, $"{which} takes {Stopwatch.GetElapsedTime(began)} for {input.Length} bytes: {Convert.ToHexString(input.AsSpan(0, Math.Min(input.Length, 4096)))}");
        }

        return sound;
    }

    private static IEnumerable<byte[]> Corpus(string name)
    {
        string folder = Path.Combine(Repository.Root, "tests", "Unit", "Fuzz", "Corpus", name);
        return Directory.Exists(folder) ? Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes) : [];
    }
}
