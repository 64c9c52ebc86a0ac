using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Caps;

/// <summary>Binary LLSD as the flat tree of <see cref="ReplyDocument"/>.</summary>
internal static class BinaryValues
{
    /// <summary>False when malformed, too deep, too large, or when anything but white space follows the value.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, int start, int keepDepth, List<Value> values)
    {
        var llsd = new BinaryLlsdReader(bytes, start);
        return llsd.Read() && Read(ref llsd, default, 0, keepDepth, values)
            && bytes[llsd.Position..].Trim(" \t\r\n\0"u8).IsEmpty;
    }

    /// <summary>On a value's token: reads it to its last. Recursion is bounded by the reader's depth.</summary>
    private static bool Read(ref BinaryLlsdReader llsd, (int Start, int Length) key, int depth, int keepDepth, List<Value> values)
    {
        if (Kind(llsd.Token) is not { } kind || values.Count >= ReplyDocument.MaxValues) return false;
        int index = values.Count;
        int length = llsd.Value.Length;
        values.Add(new Value(kind, key.Start, key.Length, llsd.TokenStart, llsd.Position - length, length, index + 1));
        if (kind is not (ValueKind.Map or ValueKind.Array)) return true;
        if (depth >= keepDepth) return llsd.Skip();
        while (llsd.Read())
        {
            if (llsd.Token is LlsdToken.MapEnd or LlsdToken.ArrayEnd)
            {
                values[index] = values[index] with { Next = values.Count };
                return true;
            }
            (int Start, int Length) member = default;
            if (llsd.Token == LlsdToken.Key)
            {
                member = (llsd.Position - llsd.Value.Length, llsd.Value.Length);
                if (!llsd.Read()) return false;
            }
            if (!Read(ref llsd, member, depth + 1, keepDepth, values)) return false;
        }
        return false;
    }

    private static ValueKind? Kind(LlsdToken token) => token switch
    {
        LlsdToken.Undefined => ValueKind.Undefined,
        LlsdToken.Boolean => ValueKind.Boolean,
        LlsdToken.Integer => ValueKind.Integer,
        LlsdToken.Real => ValueKind.Real,
        LlsdToken.Uuid => ValueKind.Uuid,
        LlsdToken.String => ValueKind.String,
        LlsdToken.Uri => ValueKind.Uri,
        LlsdToken.Date => ValueKind.Date,
        LlsdToken.Binary => ValueKind.Binary,
        LlsdToken.MapStart => ValueKind.Map,
        LlsdToken.ArrayStart => ValueKind.Array,
        _ => null,
    };
}
