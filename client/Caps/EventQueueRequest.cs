using System.Security.Cryptography;

namespace GlobalCache.Client.Caps;

/// <summary>
/// A viewer's poll: which events it acknowledges, and whether it is its last.
/// </summary>
/// <param name="Ack">
/// Equal for a poll and its repeat. The <c>ack</c> member; where the root is no map (LibreMetaverse wraps the document in
/// <c>binary</c>) the body itself (PROTOCOL §4.1).
/// </param>
/// <param name="Done">The viewer will not poll again.</param>
internal readonly record struct EventQueueRequest(string Ack, bool Done)
{
    public static EventQueueRequest Read(ReadOnlyMemory<byte> body)
    {
        if (ReplyDocument.TryRead(body, keepDepth: 1) is { Root.Kind: ValueKind.Map } document
            && document.Find(document.Root, "ack"u8) is { } ack)
        {
            bool done = document.IsTrue(document.Find(document.Root, "done"u8));
            if (ack.Kind == ValueKind.Undefined) return new("undef", done);
            if (document.Integer(ack) is { } id) return new($"id {id}", done);
            return new(Hash(body.Span), done);
        }
        return new(Hash(body.Span), Done: false);
    }

    /// <summary>Whether a reply numbered <paramref name="id"/> would be asked for under this very acknowledgement again.</summary>
    public bool Acknowledges(long id) => Ack == $"id {id}";

    private static string Hash(ReadOnlySpan<byte> body) => Convert.ToHexString(SHA256.HashData(body));
}
