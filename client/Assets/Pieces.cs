namespace GlobalCache.Client.Assets;

/// <summary>
/// The bytes of one asset held so far: slices of the very arrays they were received into, sorted, never overlapping. A slice is
/// never changed once it is in, so whoever has read one may go on using it without a lock.
/// </summary>
internal sealed class Pieces
{
    private readonly record struct Piece(long Start, byte[] Array, int Offset, int Length)
    {
        public long End => Start + Length;
    }

    private readonly List<Piece> _pieces = [];

    public IntervalSet Held { get; } = new();

    /// <summary>
    /// Takes in <paramref name="length"/> bytes of <paramref name="array"/> as the asset's bytes from <paramref name="start"/>.
    /// False when a byte that is already held differs: then one of the two answers was wrong.
    /// </summary>
    public bool Add(long start, byte[] array, int offset, int length)
    {
        Interval interval = new(start, start + length);
        if (!Held.Intersects(interval)) Insert(new Piece(start, array, offset, length));
        else
        {
            if (!Agrees(start, array.AsSpan(offset, length))) return false;
            foreach (Interval gap in Held.Gaps(interval))
                Insert(new Piece(gap.Start, array, offset + (int)(gap.Start - start), (int)gap.Length));
        }
        Held.Add(interval);
        return true;
    }

    /// <summary>The longest run of bytes at <paramref name="position"/> that lies in one array; empty when that byte is not held.</summary>
    public ReadOnlyMemory<byte> At(long position)
    {
        int i = LastStartingUpTo(position);
        if (i < 0 || _pieces[i].End <= position) return default;
        int skip = (int)(position - _pieces[i].Start);
        return _pieces[i].Array.AsMemory(_pieces[i].Offset + skip, _pieces[i].Length - skip);
    }

    public void CopyTo(Span<byte> destination)
    {
        foreach (Piece piece in _pieces) piece.Array.AsSpan(piece.Offset, piece.Length).CopyTo(destination[(int)piece.Start..]);
    }

    private bool Agrees(long start, ReadOnlySpan<byte> bytes)
    {
        long end = start + bytes.Length;
        for (int i = Math.Max(0, LastStartingUpTo(start)); i < _pieces.Count && _pieces[i].Start < end; i++)
        {
            Piece piece = _pieces[i];
            Interval both = new Interval(piece.Start, piece.End).Intersect(new Interval(start, end));
            if (both.IsEmpty) continue;
            ReadOnlySpan<byte> held = piece.Array.AsSpan(piece.Offset + (int)(both.Start - piece.Start), (int)both.Length);
            if (!held.SequenceEqual(bytes.Slice((int)(both.Start - start), (int)both.Length))) return false;
        }
        return true;
    }

    private void Insert(Piece piece)
    {
        int before = LastStartingUpTo(piece.Start);
        if (before >= 0 && _pieces[before] is var last && last.End == piece.Start && last.Array == piece.Array && last.Offset + last.Length == piece.Offset)
            _pieces[before] = last with { Length = last.Length + piece.Length };
        else
            _pieces.Insert(before + 1, piece);
    }

    // Index of the last piece that starts at or before the position, -1 if none does.
    private int LastStartingUpTo(long position)
    {
        int low = 0, high = _pieces.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_pieces[middle].Start <= position) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }
}
