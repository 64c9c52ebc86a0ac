using System.Security.Cryptography;
using System.Text;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Ways;

/// <summary>
/// 132 random bits in every local URL that outlives a session, so that no web page and no other user can guess one (SECURITY §6).
/// Kept for as long as the installation, or the viewer's settings would break; readable by its owner only.
/// </summary>
internal sealed class InstallToken
{
    /// <summary>Decimal ones alone: Firestorm takes what stands behind a grid's colon for a region's name, and cuts it off, unless it is digits and slashes (ADR 28).</summary>
    private const int Digits = 40;

    /// <summary>What tokens were before that; a viewer may hold one.</summary>
    private const int HexDigits = 32;

    private readonly byte[] _ascii;

    private InstallToken(string text)
    {
        Text = text;
        _ascii = Encoding.ASCII.GetBytes(text);
    }

    /// <summary>40 decimal digits; one of an earlier version 32 hexadecimal ones.</summary>
    public string Text { get; }

    /// <summary>A token for one run.</summary>
    public static InstallToken Fresh() => new(RandomNumberGenerator.GetString("0123456789", Digits));

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
            if ((text.Length == Digits && text.All(char.IsAsciiDigit)) || (text.Length == HexDigits && text.All(char.IsAsciiHexDigitLower))) return new(text);
        }
        PrivateFolder.Create(folder);
        InstallToken fresh = Fresh();
        AtomicFile.Write(file, fresh._ascii);
        return fresh;
    }

    /// <summary>Compares without telling by its time how much was right.</summary>
    public bool Matches(ReadOnlySpan<char> text)
    {
        if (text.Length != _ascii.Length) return false;
        Span<byte> ascii = stackalloc byte[Digits];
        ascii = ascii[..text.Length];
        return Encoding.ASCII.GetBytes(text, ascii) == ascii.Length
            && CryptographicOperations.FixedTimeEquals(ascii, _ascii);
    }

    private static bool IsPrivate(string file) =>
        OperatingSystem.IsWindows()
        || (File.GetUnixFileMode(file) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)) == UnixFileMode.None;
}
