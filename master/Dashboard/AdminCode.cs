using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Enrolment;

namespace GlobalCache.Master.Dashboard;

/// <summary>The admin code of a grid of one's own: drawn at the first start and shown once; its SHA-256 alone is kept (SECURITY §2).</summary>
internal static class AdminCode
{
    private const int Bytes = 16;

    /// <summary>The hash in the data folder; one is made where there is none.</summary>
    /// <returns>The hash, and the code if it has just been made: to be shown now or never.</returns>
    /// <exception cref="GridUnusableException">The file can be read by others.</exception>
    public static (byte[] Hash, string? Code) Of(string folder)
    {
        string file = Path.Combine(folder, "admin.hash");
        string code = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(code));
        if (PrivateFile.TryCreate(file, () => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash)))) return (hash, code);
        string kept = Encoding.ASCII.GetString(PrivateFile.Read(file, 2 * SHA256.HashSizeInBytes));
        return kept.Length == 2 * SHA256.HashSizeInBytes && kept.All(char.IsAsciiHexDigit) ? (Convert.FromHexString(kept), null)
            : throw new GridUnusableException($"{file} is damaged: delete it; a new admin code is made and shown at the next start.");
    }
}
