using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Client.Store;

/// <summary>
/// Reads what nobody asks for, one file at a time from a random place on, and drops what is not as it was written: the SHA-256 of the
/// sealed file, which needs no name and no key. Runs on the writer's thread.
/// </summary>
internal sealed class Scrub(StoreState state, ILogger log)
{
    private ulong _at = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    /// <summary>Checks the next file.</summary>
    public void Next()
    {
        StoreIndex.Candidate? candidate = state.Index.NextAfter(_at);
        _at = candidate?.Id ?? 1UL << 63;                       // the smallest id in SQLite's signed order
        if (candidate is not { } row || IsSound(row)) return;
        int bytes;
        lock (state.Gate)
        {
            if (!state.Held.Remove(row.Id, out bytes)) return;  // a drop that waits behind us does the rest
        }
        StoreLog.DamagedDropped(log, "scrub");
        state.Delete(row.Id, bytes);
    }

    private bool IsSound(StoreIndex.Candidate row)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            using SafeFileHandle file = File.OpenHandle(state.Folder.PathOf(row.Name));
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long at = 0;
            for (int read; (read = RandomAccess.Read(file, buffer, at)) > 0; at += read) hash.AppendData(buffer, 0, read);
            return hash.GetHashAndReset().AsSpan().SequenceEqual(row.Digest);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
