using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Figures;

/// <summary>What is known of the time before this start: sums alone, and how quick each grid was.</summary>
internal sealed record KeptFigures
{
    /// <summary>A larger file is none of ours.</summary>
    private const int MaxBytes = 256 << 10;

    /// <summary>Grids whose pace is remembered.</summary>
    public const int MostPaces = 64;

    /// <summary>In all.</summary>
    public Tally All { get; init; } = Tally.None;

    /// <summary>Of <see cref="Day"/>.</summary>
    public Tally Today { get; init; } = Tally.None;

    /// <summary>The user's own calendar day.</summary>
    public DateOnly Day { get; init; }

    /// <summary>Seconds saved, in all; below zero where more was lost.</summary>
    public double SavedSeconds { get; init; }

    /// <summary>Of <see cref="Day"/>.</summary>
    public double SavedSecondsToday { get; init; }

    /// <summary>By virtual world.</summary>
    public IReadOnlyDictionary<string, OriginPace> Paces { get; init; } = new Dictionary<string, OriginPace>();

    /// <summary>Null: there is none, or none that can be read, and everything begins anew.</summary>
    public static KeptFigures? Read(string file)
    {
        try
        {
            if (!File.Exists(file) || new FileInfo(file).Length > MaxBytes) return null;
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), FiguresJson.Default.KeptFigures) is { All.IsSound: true, Today.IsSound: true, Paces: { } paces } read
                && paces.Count <= MostPaces && paces.Values.All(p => p.FirstByte >= TimeSpan.Zero && double.IsFinite(p.BytesPerSecond) && p.BytesPerSecond > 0)
                && double.IsFinite(read.SavedSeconds) && double.IsFinite(read.SavedSecondsToday) ? read : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>False: it cannot be written now.</summary>
    public bool TryWrite(string file)
    {
        try
        {
            AtomicFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(this, FiguresJson.Default.KeptFigures), flush: false);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(KeptFigures))]
internal sealed partial class FiguresJson : JsonSerializerContext;
