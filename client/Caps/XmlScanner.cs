using System.Runtime.CompilerServices;

namespace GlobalCache.Client.Caps;

/// <summary>What <see cref="XmlScanner"/> stands on.</summary>
internal enum XmlToken
{
    None,
    Start,
    End,
    Text,
    CData,
}

/// <summary>
/// Walks an XML document's bytes tag by tag and says where each stands, so that a value can be replaced without touching its
/// neighbours. It knows just enough of XML for login, seed and event queue replies: UTF-8 or a superset of ASCII, no document type
/// (so no entity can be declared), nesting up to <see cref="MaxDepth"/>. One pass, no allocation, never throws.
/// </summary>
internal ref struct XmlScanner(ReadOnlySpan<byte> document)
{
    /// <summary>Elements within elements. A login reply's inventory needs 14, the deepest known LLSD 20.</summary>
    public const int MaxDepth = 64;

    private readonly ReadOnlySpan<byte> _document = document;
    private int _next = document.StartsWith("\uFEFF"u8) ? 3 : 0;
    private int _nameStart;
    private int _nameEnd;
    private OpenNames _open;
    private bool _rootSeen;

    public XmlToken Token { get; private set; }

    /// <summary>The token's first byte, and the first behind it.</summary>
    public int Start { get; private set; }

    /// <inheritdoc cref="Start"/>
    public int End { get; private set; }

    /// <summary>Elements open around what comes next. After a start tag its own element counts, unless it is empty (<c>&lt;x/&gt;</c>).</summary>
    public int Depth { get; private set; }

    /// <summary>The start tag was <c>&lt;x/&gt;</c>: no end tag follows.</summary>
    public bool IsEmpty { get; private set; }

    /// <summary>Reading stopped at something that is no well-formed XML, or more than this scanner takes.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The name of the start or end tag.</summary>
    public readonly ReadOnlySpan<byte> Name => _document[_nameStart.._nameEnd];

    /// <summary>Steps to the next tag or piece of text. False at the document's end and where it is malformed.</summary>
    public bool Read()
    {
        while (!IsMalformed)
        {
            ReadOnlySpan<byte> rest = _document[_next..];
            if (rest.IsEmpty)
            {
                Token = XmlToken.None;
                return Depth == 0 && _rootSeen ? false : Fail();
            }
            Start = _next;
            if (rest[0] != (byte)'<')
            {
                int text = rest.IndexOf((byte)'<');
                if (text < 0) text = rest.Length;
                if (Depth > 0) return Take(XmlToken.Text, text);
                if (!rest[..text].Trim(" \t\r\n"u8).IsEmpty) return Fail();
                _next += text;
            }
            else if (rest.StartsWith("<!--"u8))
            {
                if (!StepOver("-->"u8, 4)) return Fail();
            }
            else if (rest.StartsWith("<?"u8))
            {
                if (!StepOver("?>"u8, 2)) return Fail();
            }
            else if (rest.StartsWith("<![CDATA["u8))
            {
                int end = rest.IndexOf("]]>"u8);
                return end < 0 || Depth == 0 ? Fail() : Take(XmlToken.CData, end + 3);
            }
            else if (rest.StartsWith("</"u8))
            {
                return ReadEndTag();
            }
            else
            {
                // What is left of "<!" is a document type or a declaration within one: refused, and no name starts with '!'.
                return ReadStartTag();
            }
        }
        return false;
    }

    /// <summary>On a start tag: steps to its end tag, past everything inside. False when malformed.</summary>
    public bool Skip()
    {
        if (IsEmpty) return true;
        for (int outer = Depth - 1; Depth > outer;)
            if (!Read()) return false;
        return true;
    }

    private bool ReadStartTag()
    {
        if (Depth == 0 && _rootSeen || Depth == MaxDepth) return Fail();
        int at = NameEnd(_next + 1);
        if (at == _next + 1) return Fail();
        (_nameStart, _nameEnd) = (_next + 1, at);
        for (byte quote = 0; at < _document.Length; at++)
        {
            byte b = _document[at];
            if (quote != 0)
            {
                if (b == quote) quote = 0;
            }
            else if (b is (byte)'"' or (byte)'\'')
            {
                quote = b;
            }
            else if (b == (byte)'<')
            {
                break;
            }
            else if (b == (byte)'>')
            {
                IsEmpty = _document[at - 1] == (byte)'/';
                _rootSeen = true;
                if (!IsEmpty) _open[Depth++] = (_nameStart, _nameEnd);
                return Take(XmlToken.Start, at + 1 - _next);
            }
        }
        return Fail();
    }

    private bool ReadEndTag()
    {
        int at = NameEnd(_next + 2);
        (_nameStart, _nameEnd) = (_next + 2, at);
        while (at < _document.Length && _document[at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') at++;
        if (at >= _document.Length || _document[at] != (byte)'>' || Depth == 0) return Fail();
        (int start, int end) = _open[Depth - 1];
        if (!Name.SequenceEqual(_document[start..end])) return Fail();
        Depth--;
        IsEmpty = false;
        return Take(XmlToken.End, at + 1 - _next);
    }

    private readonly int NameEnd(int at)
    {
        while (at < _document.Length && (char.IsAsciiLetterOrDigit((char)_document[at]) || _document[at] >= 0x80
               || _document[at] is (byte)'_' or (byte)':' or (byte)'.' or (byte)'-')) at++;
        return at;
    }

    private bool StepOver(ReadOnlySpan<byte> end, int from)
    {
        int length = _document[(_next + from)..].IndexOf(end);
        if (length < 0) return false;
        _next += from + length + end.Length;
        return true;
    }

    private bool Take(XmlToken token, int length)
    {
        Token = token;
        _next += length;
        End = _next;
        return true;
    }

    private bool Fail()
    {
        IsMalformed = true;
        Token = XmlToken.None;
        return false;
    }

    /// <summary>The names of the open elements, which their end tags must repeat.</summary>
    [InlineArray(MaxDepth)]
    private struct OpenNames
    {
        private (int Start, int End) _first;
    }
}
