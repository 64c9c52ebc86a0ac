using System.Security.Cryptography;
using System.Text;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Resumption;

/// <summary>
/// The record, a file in memory (tmpfs): sealed under a key of the local one, readable by its owner only, replaced whole. A disk would add nothing, since whatever ends the memory ends the boot, and with it
/// the record's use; but it can be full or slow just when somebody arrives.
/// </summary>
internal sealed class ResumeFile(string path, byte[] key)
{
    /// <summary>A record that would be longer is not written; a session of 25 regions takes 50 KB.</summary>
    public const int MaxBytes = 8 << 20;

    private const int NonceBytes = 12, TagBytes = 16;

    /// <summary>Its place in such a folder, for one store. Other users may share the folder: they cannot foretell the name.</summary>
    public static string PathFor(string memory, string store, LocalKey key) => Path.Combine(memory,
        $"globalcache-{Convert.ToHexStringLower(HMACSHA256.HashData(key.Derive("globalcache-sessions-name-1"), Encoding.UTF8.GetBytes(Path.GetFullPath(Path.TrimEndingDirectorySeparator(store)))).AsSpan(0, 16))}.sessions");

    /// <exception cref="IOException">The memory is full, or the like; what was there is untouched.</exception>
    public void Write(ReadOnlySpan<byte> record)
    {
        byte[] file = new byte[NonceBytes + record.Length + TagBytes];
        if (file.Length > MaxBytes) throw new IOException("The record is too long.");
        RandomNumberGenerator.Fill(file.AsSpan(0, NonceBytes));
        using (AesGcm cipher = new(key, TagBytes))
            cipher.Encrypt(file.AsSpan(0, NonceBytes), record, file.AsSpan(NonceBytes, record.Length), file.AsSpan(NonceBytes + record.Length));
        AtomicFile.Write(path, file, flush: false);
    }

    /// <summary>Null: there is none, it is not ours, or it is damaged.</summary>
    public byte[]? Read()
    {
        try
        {
            if (!File.Exists(path) || new FileInfo(path).Length is < NonceBytes + TagBytes or > MaxBytes) return null;
            byte[] file = File.ReadAllBytes(path);
            if (file.Length < NonceBytes + TagBytes) return null;
            byte[] record = new byte[file.Length - NonceBytes - TagBytes];
            using AesGcm cipher = new(key, TagBytes);
            cipher.Decrypt(file.AsSpan(0, NonceBytes), file.AsSpan(NonceBytes, record.Length), file.AsSpan(NonceBytes + record.Length), record);
            return record;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null;
        }
    }

    /// <summary>No session lives, or none is to be resumed.</summary>
    public void Delete()
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It grows too old to be used.
        }
    }
}
