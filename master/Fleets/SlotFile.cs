using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Office.Enrolment;

namespace GlobalCache.Master.Fleets;

/// <summary>What of an instance EC2 would keep as tags: a file for each slot, replaced whole, so that a new master finds what the one before has left (SCALING §4).</summary>
/// <param name="Id">The instance's name.</param>
/// <param name="Slot">Its place.</param>
/// <param name="Generation">How many have had it before.</param>
/// <param name="Attempt">Of the order.</param>
/// <param name="Launched">When it was asked for.</param>
/// <param name="Marks">The tags that change.</param>
/// <param name="Ended">It was ended by us.</param>
internal sealed record SlotFile(string Id, int Slot, int Generation, int Attempt, DateTimeOffset Launched, Marks Marks, bool Ended = false)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true, MaxDepth = 4, Converters = { new JsonStringEnumConverter() } };

    /// <summary>Where a slot's file lies.</summary>
    public static string PathOf(string folder, int slot) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"slot-{slot}.json"));

    /// <summary>Where the process writes who it is.</summary>
    public static string PidPathOf(string folder, string id) => Path.Combine(folder, id + ".pid");

    /// <summary>All slots that were ever used; a file that cannot be read is told of, and its slot left alone.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static IEnumerable<SlotFile> ReadAll(string folder, Action<string> unreadable)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "slot-*.json").Order(StringComparer.Ordinal))
        {
            SlotFile? read = null;
            try
            {
                read = JsonSerializer.Deserialize<SlotFile>(File.ReadAllBytes(path), s_json);
            }
            catch (JsonException)
            {
                // Told below.
            }
            if (read is { Id: not null, Marks: not null }) yield return read;
            else unreadable(path);
        }
    }

    /// <summary>Replaces the slot's file.</summary>
    /// <exception cref="IOException">Not written.</exception>
    public void Write(string folder) => PrivateFile.Write(PathOf(folder, Slot), JsonSerializer.SerializeToUtf8Bytes(this, s_json));
}
