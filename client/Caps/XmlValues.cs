namespace GlobalCache.Client.Caps;

/// <summary>
/// XML-RPC replies and LLSD XML as the flat tree of <see cref="ReplyDocument"/>. Recursion goes no deeper than
/// <see cref="XmlScanner.MaxDepth"/>.
/// </summary>
internal ref struct XmlValues
{
    private XmlScanner _xml;
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly List<Value> _values;
    private readonly int _keepDepth;

    private XmlValues(ReadOnlySpan<byte> bytes, int keepDepth, List<Value> values)
    {
        _bytes = bytes;
        _xml = new XmlScanner(bytes);
        _values = values;
        _keepDepth = keepDepth;
    }

    /// <summary>Null when the root is neither <c>methodResponse</c> nor <c>llsd</c>, or anything below it is not as it should be.</summary>
    public static Notation? TryRead(ReadOnlySpan<byte> bytes, int keepDepth, List<Value> values)
    {
        var reader = new XmlValues(bytes, keepDepth, values);
        if (!reader.ToChild()) return null;
        Notation notation;
        bool read;
        if (reader._xml.Name.SequenceEqual("llsd"u8))
        {
            notation = Notation.LlsdXml;
            read = !reader._xml.IsEmpty && reader.ToChild() && reader.ReadLlsd(default, 0) && reader.ToEnd();
        }
        else if (reader._xml.Name.SequenceEqual("methodResponse"u8))
        {
            notation = Notation.XmlRpc;
            read = reader.ReadResponse();
        }
        else
        {
            return null;
        }
        // To the very end: a document that breaks off or goes on behind its root is not patched.
        return read && !reader._xml.Read() && !reader._xml.IsMalformed ? notation : null;
    }

    /// <summary><c>params/param/value</c> of an answer, <c>fault/value</c> of a failure.</summary>
    private bool ReadResponse()
    {
        if (_xml.IsEmpty || !ToChild() || _xml.IsEmpty) return false;
        int wrappers = 1;
        if (_xml.Name.SequenceEqual("params"u8))
        {
            if (!ToChild() || _xml.IsEmpty || !_xml.Name.SequenceEqual("param"u8)) return false;
            wrappers = 2;
        }
        else if (!_xml.Name.SequenceEqual("fault"u8))
        {
            return false;
        }
        if (!ToChild() || !_xml.Name.SequenceEqual("value"u8) || !ReadRpc(default, 0)) return false;
        for (; wrappers >= 0; wrappers--)
            if (!ToEnd()) return false;
        return true;
    }

    /// <summary>On a value's start tag: reads it to its end tag.</summary>
    private bool ReadLlsd((int Start, int Length) key, int depth)
    {
        ReadOnlySpan<byte> name = _xml.Name;
        if (name.SequenceEqual("map"u8)) return depth >= _keepDepth ? Leave(ValueKind.Map, key) : ReadMap(key, depth);
        if (name.SequenceEqual("array"u8)) return depth >= _keepDepth ? Leave(ValueKind.Array, key) : ReadItems(key, depth);
        return LlsdKind(name) is { } kind && Scalar(kind, key);
    }

    private bool ReadMap((int Start, int Length) key, int depth)
    {
        int index = Open(ValueKind.Map, key);
        if (index < 0) return false;
        if (_xml.IsEmpty) return Close(index);
        while (ToChildOrEnd() is { } more)
        {
            if (!more) return Close(index);
            if (!_xml.Name.SequenceEqual("key"u8) || !ReadContent(out (int, int) memberKey)) return false;
            if (!ToChild() || !ReadLlsd(memberKey, depth + 1)) return false;
        }
        return false;
    }

    private bool ReadItems((int Start, int Length) key, int depth)
    {
        int index = Open(ValueKind.Array, key);
        if (index < 0) return false;
        if (_xml.IsEmpty) return Close(index);
        while (ToChildOrEnd() is { } more)
        {
            if (!more) return Close(index);
            if (!ReadLlsd(default, depth + 1)) return false;
        }
        return false;
    }

    /// <summary>On <c>value</c>: a typed value inside it, or a string without a type.</summary>
    private bool ReadRpc((int Start, int Length) key, int depth)
    {
        int start = _xml.Start, content = _xml.End;
        if (_xml.IsEmpty) return Add(new Value(ValueKind.String, key.Start, key.Length, start, content, 0, 0));
        do
        {
            if (!_xml.Read()) return false;
            if (_xml.Token == XmlToken.End)
                return Add(new Value(ValueKind.String, key.Start, key.Length, start, content, _xml.Start - content, 0));
        }
        while (_xml.Token != XmlToken.Start);

        ReadOnlySpan<byte> name = _xml.Name;
        bool read;
        if (name.SequenceEqual("struct"u8)) read = depth >= _keepDepth ? Leave(ValueKind.Map, key) : ReadStruct(key, depth);
        else if (name.SequenceEqual("array"u8)) read = depth >= _keepDepth ? Leave(ValueKind.Array, key) : ReadArray(key, depth);
        else read = RpcKind(name) is { } kind && Scalar(kind, key);
        return read && ToEnd();
    }

    private bool ReadStruct((int Start, int Length) key, int depth)
    {
        int index = Open(ValueKind.Map, key);
        if (index < 0) return false;
        if (_xml.IsEmpty) return Close(index);
        while (ToChildOrEnd() is { } more)
        {
            if (!more) return Close(index);
            if (_xml.IsEmpty || !_xml.Name.SequenceEqual("member"u8)) return false;
            if (!ToChild() || !_xml.Name.SequenceEqual("name"u8) || !ReadContent(out (int, int) memberKey)) return false;
            if (!ToChild() || !_xml.Name.SequenceEqual("value"u8) || !ReadRpc(memberKey, depth + 1) || !ToEnd()) return false;
        }
        return false;
    }

    private bool ReadArray((int Start, int Length) key, int depth)
    {
        int index = Open(ValueKind.Array, key);
        if (index < 0) return false;
        if (_xml.IsEmpty) return Close(index);
        if (!ToChild() || !_xml.Name.SequenceEqual("data"u8)) return false;
        if (_xml.IsEmpty) return ToEnd() && Close(index);
        while (ToChildOrEnd() is { } more)
        {
            if (!more) return ToEnd() && Close(index);
            if (!_xml.Name.SequenceEqual("value"u8) || !ReadRpc(default, depth + 1)) return false;
        }
        return false;
    }

    /// <summary>On a scalar's start tag: only text may stand inside.</summary>
    private bool Scalar(ValueKind kind, (int Start, int Length) key)
    {
        int start = _xml.Start;
        return ReadContent(out (int Start, int Length) content)
            && Add(new Value(kind, key.Start, key.Length, start, content.Start, content.Length, 0));
    }

    /// <summary>A container below what is kept: checked for form, its values left out.</summary>
    private bool Leave(ValueKind kind, (int Start, int Length) key)
    {
        int start = _xml.Start, content = _xml.End;
        return _xml.Skip() && Add(new Value(kind, key.Start, key.Length, start, content, 0, 0));
    }

    private bool ReadContent(out (int Start, int Length) content)
    {
        content = (_xml.End, 0);
        if (_xml.IsEmpty) return true;
        while (_xml.Read() && _xml.Token != XmlToken.Start)
        {
            if (_xml.Token != XmlToken.End) continue;
            content.Length = _xml.Start - content.Start;
            return true;
        }
        return false;
    }

    private int Open(ValueKind kind, (int Start, int Length) key) =>
        Add(new Value(kind, key.Start, key.Length, _xml.Start, _xml.End, 0, 0)) ? _values.Count - 1 : -1;

    private readonly bool Close(int index)
    {
        _values[index] = _values[index] with { Next = _values.Count };
        return true;
    }

    private readonly bool Add(Value value)
    {
        if (_values.Count >= ReplyDocument.MaxValues) return false;
        _values.Add(value with { Next = _values.Count + 1 });
        return true;
    }

    /// <summary>Steps to the next start tag inside the open element; only white space may stand before it.</summary>
    private bool ToChild() => ToChildOrEnd() is true;

    private bool ToEnd() => ToChildOrEnd() is false;

    private bool? ToChildOrEnd()
    {
        while (_xml.Read())
        {
            if (_xml.Token == XmlToken.Start) return true;
            if (_xml.Token == XmlToken.End) return false;
            if (!_bytes[_xml.Start.._xml.End].Trim(" \t\r\n"u8).IsEmpty) return null;
        }
        return null;
    }

    private static ValueKind? LlsdKind(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("string"u8) ? ValueKind.String
        : name.SequenceEqual("integer"u8) ? ValueKind.Integer
        : name.SequenceEqual("uuid"u8) ? ValueKind.Uuid
        : name.SequenceEqual("binary"u8) ? ValueKind.Binary
        : name.SequenceEqual("boolean"u8) ? ValueKind.Boolean
        : name.SequenceEqual("real"u8) ? ValueKind.Real
        : name.SequenceEqual("undef"u8) ? ValueKind.Undefined
        : name.SequenceEqual("uri"u8) ? ValueKind.Uri
        : name.SequenceEqual("date"u8) ? ValueKind.Date
        : null;

    private static ValueKind? RpcKind(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("string"u8) ? ValueKind.String
        : name.SequenceEqual("i4"u8) || name.SequenceEqual("int"u8) || name.SequenceEqual("i8"u8) ? ValueKind.Integer
        : name.SequenceEqual("boolean"u8) ? ValueKind.Boolean
        : name.SequenceEqual("double"u8) ? ValueKind.Real
        : name.SequenceEqual("base64"u8) ? ValueKind.Binary
        : name.SequenceEqual("dateTime.iso8601"u8) ? ValueKind.Date
        : name.SequenceEqual("nil"u8) ? ValueKind.Undefined
        : null;
}
