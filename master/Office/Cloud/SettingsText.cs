using GlobalCache.Office.Serving;

namespace GlobalCache.Office.Cloud;

/// <summary>A machine's settings as a file, where something has laid its user data before this program was started; or where they are written by hand.</summary>
internal static class SettingsText
{
    private const int MostBytes = 64 * 1024;

    /// <exception cref="CannotStartException">It cannot be read.</exception>
    public static async Task<string> ReadAsync(string path, CancellationToken ct)
    {
        try
        {
            return new FileInfo(path).Length <= MostBytes ? await File.ReadAllTextAsync(path, ct) : throw new CannotStartException($"--aws {path} is no file of settings.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"--aws {path} cannot be read: {e.Message}");
        }
    }

    /// <summary>What is said of settings that are no good.</summary>
    /// <param name="path">Null: they were asked for.</param>
    /// <param name="wrong">A sentence each.</param>
    public static CannotStartException Unusable(string? path, IReadOnlyList<string> wrong) => new($"{path ?? "The instance's user data"} cannot be used:\n{string.Join('\n', wrong)}");
}
