using System.Globalization;
using System.Net;
using System.Text;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Ways;

/// <summary>Says, beside the keys, where a client listens, as long as it runs: for <c>globalcache stats</c>. One that was killed leaves its mark, where nobody answers then.</summary>
internal sealed class RunningMark : IAsyncDisposable
{
    private const string Prefix = "running-";
    private readonly string _file;

    /// <summary>Best effort: without it <c>stats</c> does not find this client, and nothing else is amiss.</summary>
    public RunningMark(string folder, IPEndPoint endpoint)
    {
        _file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{endpoint.Port}"));
        try
        {
            AtomicFile.Write(_file, Encoding.ASCII.GetBytes(endpoint.ToString()), flush: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As said.
        }
    }

    /// <summary>Where clients of this user listen, or did when they were killed.</summary>
    public static IReadOnlyList<IPEndPoint> All(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        var found = new List<IPEndPoint>();
        foreach (string file in Directory.EnumerateFiles(folder, Prefix + "*").Order(StringComparer.Ordinal).Take(64))
        {
            try
            {
                if (new FileInfo(file).Length <= 64 && IPEndPoint.TryParse(File.ReadAllText(file), out IPEndPoint? endpoint)) found.Add(endpoint);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Its client has just ended.
            }
        }
        return found;
    }

    public ValueTask DisposeAsync()
    {
        try
        {
            File.Delete(_file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It says where nobody answers.
        }
        return default;
    }
}
