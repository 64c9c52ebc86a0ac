using ZstdSharp;
using ZstdSharp.Unsafe;

namespace GlobalCache.Bench.Training;

/// <summary>
/// Trains the dictionaries of sealed assets (<c>bench train FOLDER</c>) and says what they save over zstd alone, on samples they were not trained with. A dictionary that
/// was published is never trained anew: the result of a new run gets the next number. Of sounds there are only two that are ours: each is coded with the other as dictionary.
/// </summary>
internal static class Trainer
{
    private const int DictionaryBytes = 8192, Samples = 400, Checks = 60;

    public static void Run(string folder, string recorded)
    {
        byte[] animations = DictBuilder.TrainFromBuffer(Enumerable.Range(0, Samples).Select(SampleAnimations.Make), DictionaryBytes);
        string file = Path.Combine(folder, "animation.zdict");
        File.WriteAllBytes(file, animations);
        Console.WriteLine($"{file}: {animations.Length} bytes");
        Say("animations", animations, [.. Enumerable.Range(Samples, Checks).Select(SampleAnimations.Make)]);
        byte[][] sounds = [.. Directory.EnumerateFiles(recorded).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).Where(b => b.AsSpan().StartsWith("OggS"u8))];
        for (int i = 0; i < sounds.Length; i++)
        {
            foreach (byte[] other in sounds.Where(s => s != sounds[i])) Say($"sound of {sounds[i].Length} bytes, with another's first 8 KiB", other[..Math.Min(other.Length, DictionaryBytes)], [sounds[i]]);
        }
    }

    private static void Say(string what, byte[] dictionary, byte[][] samples)
    {
        using Compressor alone = new(3), helped = new(3);
        helped.LoadDictionary(dictionary);
        helped.SetParameter(ZSTD_cParameter.ZSTD_c_dictIDFlag, 0);
        long plain = samples.Sum(s => (long)s.Length), without = samples.Sum(s => Kept(s, alone)), with = samples.Sum(s => Kept(s, helped));
        Console.WriteLine($"{what}: {plain} bytes plain, {without} with zstd alone, {with} with the dictionary ({100.0 * (without - with) / without:0.0} % less)");
    }

    /// <summary>Bytes as they would be sealed: coded only where that saves enough.</summary>
    private static long Kept(byte[] sample, Compressor compressor)
    {
        int coded = compressor.Wrap(sample).Length;
        return coded <= sample.Length * 0.95 && sample.Length - coded >= 512 ? coded : sample.Length;
    }
}
