using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using GlobalCache.Office.Enrolment;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Office.Stores;

/// <summary>
/// The store in a folder, the default, for any number of processes of one machine: a file an object, changed only under its shard's lock
/// file (SECURITY §4): read, compare, write a temporary file, flush, rename. Readers need no lock, since a rename is seen whole or not at all.
/// </summary>
internal sealed class FolderStore : IObjectStore
{
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    private const int MostHashed = 65_536;

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Hashed> _hashed = new();

    /// <param name="folder">Created if missing.</param>
    /// <param name="time">For the wait for a lock.</param>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it cannot be used.</exception>
    public FolderStore(string folder, TimeProvider time)
    {
        (_folder, _time) = (folder, time);
        PrivateFile.CreateFolder(folder);
        Directory.CreateDirectory(Path.Combine(folder, "tmp"));
        Directory.CreateDirectory(Path.Combine(folder, "lock"));
        // A node that was killed while writing leaves its temporary file; nobody else's lies here for a minute.
        DateTime old = time.GetUtcNow().UtcDateTime - TimeSpan.FromMinutes(1);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(folder, "tmp")))
        {
            if (File.GetLastWriteTimeUtc(file) < old) File.Delete(file);
        }
    }

    public async ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
    {
        try
        {
            byte[] bytes = await File.ReadAllBytesAsync(PathOf(name), ct);
            return new StoredObject(ETagOf(bytes), bytes);
        }
        catch (Exception e) when (e is FileNotFoundException || (e is DirectoryNotFoundException && Directory.Exists(Path.Combine(_folder, "lock"))))
        {
            return null;            // no object, or no shard for it yet; without the folder itself nothing is known
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreTroubleException("The store's folder cannot be read.", e);
        }
    }

    // The ETag is a hash of all of it. To ask again and again for what lies in memory must not mean to read and hash it again and again: a file of the same
    // age and length is the same, if it had lain there for a while when it was hashed. Without that, timestamps are too coarse to tell two writes apart.
    public async ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(PathOf(name));
            DateTime written = File.GetLastWriteTimeUtc(file);
            byte[] bytes = new byte[(int)Math.Min(first, RandomAccess.GetLength(file))];
            if (_hashed.TryGetValue(name, out Hashed known) && known.Written == written && known.Length == RandomAccess.GetLength(file)
                && RandomAccess.Read(file, bytes, 0) == bytes.Length) return new StoredObject(known.ETag, bytes);
            string etag = HashOf(file, bytes);
            if (_time.GetUtcNow().UtcDateTime - written > Settled)
            {
                if (_hashed.Count >= MostHashed) _hashed.Clear();
                _hashed[name] = new Hashed(written, RandomAccess.GetLength(file), etag);
            }
            return new StoredObject(etag, bytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return await GetAsync(name, ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreTroubleException("The store's folder cannot be read.", e);
        }
    }

    public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
    {
        try
        {
            using FileStream held = await LockAsync(name, ct);
            StoredObject? there = await GetAsync(name, ct);
            if (there?.ETag != ifMatch) return PutResult.Refused;
            string path = PathOf(name), temporary = Path.Combine(_folder, "tmp", Path.GetRandomFileName());
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                await RandomAccess.WriteAsync(file, bytes, 0, ct);
                RandomAccess.FlushToDisk(file);
            }
#pragma warning disable RS0030 // Under the shard's lock the comparison above is what makes it conditional.
            File.Move(temporary, path, overwrite: true);
#pragma warning restore RS0030
            return PutResult.Written;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreTroubleException("The store's folder cannot be written.", e);
        }
    }

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
    private readonly record struct Hashed(DateTime Written, long Length, string ETag);

    private async Task<FileStream> LockAsync(string name, CancellationToken ct)
    {
        string path = Path.Combine(_folder, "lock", ShardOf(name));
        long since = _time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException e) when (e is not DirectoryNotFoundException && _time.GetElapsedTime(since) < LockTimeout)
            {
                await Task.Delay(LockPause, _time, ct);
            }
        }
    }

    private string PathOf(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        return Path.Combine(_folder, name[..slash], ShardOf(name), name[(slash + 1)..]);
    }

    // The first two letters behind the slash, 256 shards for names that are hashes; all of a kind that has few.
    private static string ShardOf(string name)
    {
        string leaf = name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..];
        return leaf.Length >= 64 ? leaf[..2] : "few";
    }

    private static string HashOf(SafeFileHandle file, Span<byte> first)
    {
        int length = checked((int)RandomAccess.GetLength(file));
        byte[] whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            if (RandomAccess.Read(file, whole.AsSpan(0, length), 0) != length) throw new IOException("A file of the store is shorter than it was.");
            whole.AsSpan(0, first.Length).CopyTo(first);
            return ETagOf(whole.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    private static string ETagOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16));
}
