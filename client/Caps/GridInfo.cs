using System.Text;

namespace GlobalCache.Client.Caps;

/// <summary>What a world's owner says of sharing its assets through cache grids (ADR 29).</summary>
internal enum OwnersWord : byte
{
    /// <summary>Nothing: the user's word is enough.</summary>
    Silent,
    Allows,
    Refuses,
}

/// <summary>
/// <c>get_grid_info</c>: the grid presents itself to the viewer. The login becomes ours, the nick gets a suffix so that the viewer keeps
/// what it learns through us apart from the grid itself, everything else stays (PROTOCOL §2.6).
/// </summary>
internal static class GridInfo
{
    public const string NickSuffix = "-gc";

    /// <summary>The document with both replaced; null when it is none or malformed.</summary>
    public static byte[]? Patch(ReadOnlySpan<byte> document, string login)
    {
        var xml = new XmlScanner(document);
        if (!xml.Read() || !xml.Name.SequenceEqual("gridinfo"u8) || xml.IsEmpty) return null;
        var patches = new PatchList();
        while (xml.Read())
        {
            if (xml.Token != XmlToken.Start) continue;
            bool isLogin = xml.Name.SequenceEqual("login"u8), isNick = xml.Name.SequenceEqual("gridnick"u8);
            (int start, int content, bool empty) = (xml.Start, xml.End, xml.IsEmpty);
            if (!xml.Skip()) return null;
            if (isLogin && empty)
                patches.Replace(start, content - start, [.. "<login>"u8, .. XmlText.Encode(login), .. "</login>"u8]);
            else if (isLogin)
                patches.Replace(content, xml.Start - content, XmlText.Encode(login));
            else if (isNick && !empty && !document[content..xml.Start].Trim(" \t\r\n"u8).IsEmpty)
                patches.Replace(content + document[content..xml.Start].TrimEnd(" \t\r\n"u8).Length, 0, XmlText.Encode(NickSuffix));
        }
        return xml.IsMalformed ? null : patches.Apply(document);
    }

    /// <summary>What the document says under <c>globalcache</c>: <c>allow</c> or <c>refuse</c>. Whatever else stands there, or is no document, says nothing.</summary>
    public static OwnersWord Sharing(ReadOnlySpan<byte> document)
    {
        var xml = new XmlScanner(document);
        if (!xml.Read() || !xml.Name.SequenceEqual("gridinfo"u8) || xml.IsEmpty) return OwnersWord.Silent;
        OwnersWord word = OwnersWord.Silent;
        while (xml.Read())
        {
            if (xml.Token != XmlToken.Start) continue;
            bool ours = xml.Name.SequenceEqual("globalcache"u8);
            (int content, bool empty) = (xml.End, xml.IsEmpty);
            if (!xml.Skip()) return OwnersWord.Silent;
            if (!ours || empty) continue;
            ReadOnlySpan<byte> text = document[content..xml.Start].Trim(" \t\r\n"u8);
            word = Ascii.EqualsIgnoreCase(text, "refuse"u8) ? OwnersWord.Refuses : Ascii.EqualsIgnoreCase(text, "allow"u8) ? OwnersWord.Allows : OwnersWord.Silent;
        }
        return xml.IsMalformed ? OwnersWord.Silent : word;
    }
}
