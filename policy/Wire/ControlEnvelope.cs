using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GlobalCache.Policy.Wire;

/// <summary>Why bytes are no control document.</summary>
public enum ControlFault
{
    /// <summary>They are one.</summary>
    None,

    /// <summary>Larger than <see cref="ControlEnvelope.MaxBytes"/>.</summary>
    TooLarge,

    /// <summary>Damaged, or not a control document at all.</summary>
    Format,

    /// <summary>Made by a later version than this one.</summary>
    Version,

    /// <summary>Not signed by the grid's control key.</summary>
    Signature,

    /// <summary>Signed, and beyond the stated ranges: a later version's, since none signs what it finds invalid.</summary>
    Invalid,
}

/// <summary>
/// The control document as it lies in the store: <c>GCC1</c> ‖ signature (r ‖ s, 64 bytes) ‖ JSON. Signed is “gc/control/1” ‖ JSON, ECDSA P-256 with SHA-256, by
/// the control key, whose public half is in <c>grid.json</c>. Fields that are not known are ignored by who reads, and carried on by who writes the next one; a change that older
/// nodes must not ignore gets another number.
/// </summary>
public static class ControlEnvelope
{
    /// <summary>Longer ones are neither written nor read: 1 MiB.</summary>
    public const int MaxBytes = 1 << 20;

    private const int SignatureBytes = 64;
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 16, RespectNullableAnnotations = true };
    private static readonly ControlDocumentValidator s_valid = new();

    private static ReadOnlySpan<byte> Magic => "GCC1"u8;

    private static ReadOnlySpan<byte> Label => "gc/control/1"u8;

    /// <summary>What a grid's control documents are checked with; the caller's to dispose of.</summary>
    /// <exception cref="CryptographicException">The grid file names no such key.</exception>
    public static ECDsa PublicKeyOf(GridFile grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        ECDsa key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(grid.ControlKey), out _);
        return key;
    }

    /// <summary>Signs a document.</summary>
    /// <returns>Its bytes; null: it is not valid or too large, and <paramref name="wrong"/> says all that is wrong with it.</returns>
    public static byte[]? TrySign(ControlDocument document, ECDsa key, out IReadOnlyList<string> wrong)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(key);
        wrong = [.. s_valid.Validate(document).Errors.Select(e => e.ErrorMessage)];
        if (wrong.Count > 0) return null;
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(document, s_json);
        if (!document.Read.IsEmpty) json = CarryOn(document.Read, json);
        if (Magic.Length + SignatureBytes + json.Length > MaxBytes)
        {
            wrong = ["The control document would be larger than 1 MiB: name fewer bans or grids."];
            return null;
        }
        byte[] signature = key.SignData([.. Label, .. json], HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return [.. Magic, .. signature, .. json];
    }

    /// <summary>Reads a document whole, or says why not. Nothing of it is looked at before its signature has been found good.</summary>
    public static ControlFault Open(ReadOnlySpan<byte> bytes, ECDsa key, out ControlDocument? document)
    {
        ArgumentNullException.ThrowIfNull(key);
        document = null;
        if (bytes.Length > MaxBytes) return ControlFault.TooLarge;
        if (bytes.Length <= Magic.Length + SignatureBytes || !bytes.StartsWith(Magic[..3])) return ControlFault.Format;
        if (bytes[3] != Magic[3]) return bytes[3] is > (byte)'1' and <= (byte)'9' ? ControlFault.Version : ControlFault.Format;
        ReadOnlySpan<byte> signature = bytes.Slice(Magic.Length, SignatureBytes), json = bytes[(Magic.Length + SignatureBytes)..];
        if (!key.VerifyData([.. Label, .. json], signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)) return ControlFault.Signature;
        try
        {
            ControlDocument? read = JsonSerializer.Deserialize<ControlDocument>(json, s_json);
            if (read is null || !s_valid.Validate(read).IsValid) return ControlFault.Invalid;
            document = read with { Read = json.ToArray() };
            return ControlFault.None;
        }
        catch (JsonException)
        {
            return ControlFault.Invalid;
        }
    }

    /// <summary>The document with the fields of the one before that this version does not know: every one it knows is written, so what is missing is a later version's.</summary>
    private static byte[] CarryOn(ReadOnlyMemory<byte> before, byte[] now)
    {
        JsonObject whole = JsonNode.Parse(now)!.AsObject();
        Fill(whole, JsonNode.Parse(before.Span)!.AsObject());
        return JsonSerializer.SerializeToUtf8Bytes(whole, s_json);
    }

    private static void Fill(JsonObject now, JsonObject before)
    {
        foreach ((string name, JsonNode? value) in before)
        {
            if (!now.TryGetPropertyValue(name, out JsonNode? known)) now[name] = value?.DeepClone();
            else if (known is JsonObject inner && value is JsonObject earlier) Fill(inner, earlier);
        }
    }
}
