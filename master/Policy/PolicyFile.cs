using System.Text;
using GlobalCache.Policy;

namespace GlobalCache.Master.Policy;

/// <summary>
/// The grid's policy in a file that its owner edits while the master runs. A good one is handed on whole; a bad one is refused whole, said once, and what runs
/// stays. A file that is not there at the start means the defaults. It is looked at by content every two seconds: file watchers miss what editors, mounts and configuration tools do.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="take">Takes a good policy, the first one included.</param>
/// <param name="refused">Is told of all that is wrong with a file, a sentence each, once for each content.</param>
/// <param name="time">The clock.</param>
internal sealed class PolicyFile(string path, Action<GridPolicy> take, Action<IReadOnlyList<string>> refused, TimeProvider time)
{
    /// <summary>A policy is some 10 KB; no more is read.</summary>
    private const int MostBytes = 256 << 10;

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);
    private readonly PolicyText _text = new(take, refused);

    /// <summary>Whether what the file held when it was last looked at is what runs.</summary>
    public bool IsTaken => _text.IsTaken;

    /// <summary>Looks once. What is wrong is said with the second look that finds it so: it may be half written.</summary>
    /// <returns><see cref="IsTaken"/>.</returns>
    public bool Look()
    {
        (byte[] content, IReadOnlyList<string> wrong) = ReadWhole();
        return _text.Found(content, wrong);
    }

    /// <summary>Goes on until <paramref name="ct"/>.</summary>
    public async Task FollowAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(s_look, time);
        try
        {
            do Look();
            while (await timer.WaitForNextTickAsync(ct));
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    // Without a file at the start there are the defaults. One that vanishes later changes nothing: the content is then the trouble itself.
    private (byte[] Content, IReadOnlyList<string> Wrong) ReadWhole()
    {
        try
        {
            if (!_text.HasBegun && !File.Exists(path)) return ("{}"u8.ToArray(), []);
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[MostBytes + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return count <= MostBytes ? (bytes[..count], []) : ([1], [$"The file: more than {MostBytes} bytes."]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (Encoding.UTF8.GetBytes(e.Message), [$"The file cannot be read: {e.Message}"]);
        }
    }
}
