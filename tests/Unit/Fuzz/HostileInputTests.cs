using System.Diagnostics;
using System.Globalization;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Fuzz;

/// <summary>
/// Damaged input for everything that reads what strangers send: nothing is thrown, nothing forged is believed, no input takes long or much memory. <c>FUZZ_SECONDS=3600</c> goes on for longer than
/// the moment of every run (<see cref="LongRun"/>), <c>FUZZ_TARGET=texture</c> with one alone, <c>FUZZ_SEED=7</c> with other damage; what once broke something lies in <c>Corpus</c>, a folder a target, and is
/// read again each time.
/// </summary>
public sealed class HostileInputTests(ITestOutputHelper output)
{
    private const long MostAllocated = 64 << 20;
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(2);

    /// <summary>Whoever waits for the tests waits a second for each; CI takes five.</summary>
    private static readonly TimeSpan s_each = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("CI") == "true" ? 5 : 1);

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys.Where(t => Environment.GetEnvironmentVariable("FUZZ_TARGET") is not { Length: > 0 } one || t == one)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Nothing_throws_and_nothing_forged_is_believed(string name)
    {
        FuzzTarget target = FuzzTargets.All[name]();
        Assert.NotEmpty(target.Seeds);
        int seed = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_SEED"), CultureInfo.InvariantCulture, out int other) ? other : 1;
        LongRun? run = double.TryParse(Environment.GetEnvironmentVariable("FUZZ_SECONDS"), CultureInfo.InvariantCulture, out double seconds) ? new LongRun(name, seconds) { Pool = [.. target.Seeds] } : null;
        var mutation = new Mutation(seed, run?.Pool ?? target.Seeds);
        long began = Stopwatch.GetTimestamp(), fed = 0, sound = 0;
        Exception? found = null;
        try
        {
            bool any = false;
            foreach (byte[] whole in target.Seeds) any |= Feed(target, whole, $"{name}, undamaged", run);
            Assert.True(any, "Nothing that it is meant for is taken for sound: damage to that leads nowhere.");
            foreach (byte[] broke in Corpus(name)) Feed(target, broke, $"{name}, of the corpus", run);
            for (; run?.GoesOn(fed) ?? Stopwatch.GetElapsedTime(began) < s_each; fed++)
            {
                if (Feed(target, mutation.Next(), $"{name}, FUZZ_SEED={seed}, input {fed}", run)) sound++;
            }
        }
        catch (Exception e)
        {
            found = e;
            throw;
        }
        finally
        {
            run?.Tell(fed, sound, found);
        }

        output.WriteLine($"{name}: {fed} inputs, {sound} taken for sound");
        Assert.True(fed > 20, "too slow to find anything");
    }

    private static bool Feed(FuzzTarget target, byte[] input, string which, LongRun? run)
    {
        long before = GC.GetAllocatedBytesForCurrentThread(), began = Stopwatch.GetTimestamp(), allocated;
        bool sound;
        try
        {
            sound = target.Read(input);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < MostAllocated, $"{allocated} bytes are allocated for {input.Length}");
            // A stalled machine is no finding; a second look at the same input tells.
            if (Stopwatch.GetElapsedTime(began) > s_most)
            {
                began = Stopwatch.GetTimestamp();
                target.Read(input);
                Assert.True(Stopwatch.GetElapsedTime(began) < s_most, $"it takes {Stopwatch.GetElapsedTime(began)} for {input.Length} bytes");
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{which}: {run?.Keep(input) ?? Convert.ToHexString(input.AsSpan(0, Math.Min(input.Length, 4096)))}", e);
        }

        run?.Read(input, sound, allocated);
        return sound;
    }

    private static IEnumerable<byte[]> Corpus(string name)
    {
        string folder = Path.Combine(Repository.Root, "tests", "Unit", "Fuzz", "Corpus", name);
        return Directory.Exists(folder) ? Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes) : [];
    }
}
