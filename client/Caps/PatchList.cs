namespace GlobalCache.Client.Caps;

/// <summary>Replacements of byte spans in one document, collected in any order and applied once; every other byte is copied as it is.</summary>
internal sealed class PatchList
{
    private readonly List<(int Start, int Length, byte[] With)> _patches = [];

    public int Count => _patches.Count;

    /// <summary>Puts <paramref name="with"/> in the place of the <paramref name="length"/> bytes at <paramref name="start"/>. Spans must not overlap.</summary>
    public void Replace(int start, int length, byte[] with) => _patches.Add((start, length, with));

    public byte[] Apply(ReadOnlySpan<byte> document)
    {
        _patches.Sort((a, b) => a.Start.CompareTo(b.Start));
        byte[] patched = new byte[document.Length + _patches.Sum(p => p.With.Length - p.Length)];
        int from = 0, to = 0;
        foreach ((int start, int length, byte[] with) in _patches)
        {
            document[from..start].CopyTo(patched.AsSpan(to));
            to += start - from;
            with.CopyTo(patched, to);
            to += with.Length;
            from = start + length;
        }
        document[from..].CopyTo(patched.AsSpan(to));
        return patched;
    }
}
