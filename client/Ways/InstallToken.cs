using System.Security.Cryptography;
using System.Text;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Ways;

/// <summary>
/// 128 random bits in every local URL that outlives a session, so that no web page and no other user can guess one (SECURITY §6).
/// Kept for as long as the installation, or the viewer's settings would break; readable by its owner only.
/// </summary>
internal sealed class InstallToken
{
    private const int Bytes = 16;
    private readonly byte[] _ascii;

    private InstallToken(string text)
    {
        Text = text;
        _ascii = Encoding.ASCII.GetBytes(text);
    }

    /// <summary>32 hexadecimal digits.</summary>
    public string Text { get; }

    /// <summary>A token for one run.</summary>
    public static InstallToken Fresh() => new(RandomNumberGenerator.GetHexString(2 * Bytes, lowercase: true));

    /// <summary>The installation's own, made at the first start and whenever the file is damaged or was open to others.</summary>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static InstallToken Load(string folder) => Load(folder, "install.token");

    /// <summary>The page's own, which a browser may write down: it opens nothing else. As <see cref="Load(string)"/>.</summary>
    public static InstallToken LoadOfPage(string folder) => Load(folder, "page.token");

    private static InstallToken Load(string folder, string name)
    {
        string file = Path.Combine(folder, name);
        if (File.Exists(file) && IsPrivate(file))
        {
            string text = File.ReadAllText(file).Trim();
            if (text.Length == 2 * Bytes && text.All(char.IsAsciiHexDigitLower)) return new(text);
        }
        PrivateFolder.Create(folder);
        InstallToken fresh = Fresh();
        AtomicFile.Write(file, fresh._ascii);
        return fresh;
    }

    /// <summary>Compares without telling by its time how much was right.</summary>
    public bool Matches(ReadOnlySpan<char> text)
    {
        Span<byte> ascii = stackalloc byte[2 * Bytes];
        return text.Length == ascii.Length && Encoding.ASCII.GetBytes(text, ascii) == ascii.Length
            && CryptographicOperations.FixedTimeEquals(ascii, _ascii);
    }

    private static bool IsPrivate(string file) =>
        OperatingSystem.IsWindows()
        || (File.GetUnixFileMode(file) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)) == UnixFileMode.None;
}
