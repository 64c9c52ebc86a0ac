using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
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
    private static readonly GridPolicyValidator s_valid = new();
    private byte[]? _done;
    private byte[]? _doubted;

    /// <summary>Reads a policy. Null: there is something wrong with it, each thing a sentence that names the property.</summary>
    public static GridPolicy? Read(ReadOnlySpan<byte> json, out IReadOnlyList<string> wrong)
    {
        wrong = [];
        try
        {
            GridPolicy policy = GridPolicy.Parse(json);
            wrong = [.. s_valid.Validate(policy).Errors.Select(e => $"{e.PropertyName}: {e.ErrorMessage}")];
            return wrong.Count == 0 ? policy : null;
        }
        catch (JsonException e)
        {
            string where = e.Path is { Length: > 2 } at ? at[2..] : "The file";
            wrong = [$"{where}: {e.Message}"];
            return null;
        }
    }

    /// <summary>Whether what the file held when it was last looked at is what runs.</summary>
    public bool IsTaken { get; private set; }

    /// <summary>Looks once. What is wrong is said with the second look that finds it so: it may be half written.</summary>
    /// <returns><see cref="IsTaken"/>.</returns>
    public bool Look()
    {
        (byte[] content, IReadOnlyList<string> wrong) = ReadWhole();
        byte[] hash = SHA256.HashData(content);
        if (_done is not null && hash.AsSpan().SequenceEqual(_done)) return IsTaken;

        GridPolicy? policy = wrong.Count == 0 ? Read(content, out wrong) : null;
        bool isFirst = _done is null && _doubted is null;
        bool isSame = _doubted is not null && hash.AsSpan().SequenceEqual(_doubted);
        (_doubted, IsTaken) = (hash, policy is not null);
        if (policy is not null) take(policy);
        else if (isFirst || isSame) refused(wrong);
        else return false;
        _done = hash;
        return IsTaken;
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
            if (_done is null && !File.Exists(path)) return ("{}"u8.ToArray(), []);
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
