using GlobalCache.Node.Keys;
using GlobalCache.Office.Keys;

namespace GlobalCache.Node.Vouching;

/// <summary>Vouching records at rest.</summary>
internal sealed class RecordSeal(GridKeys keys)
{
    private readonly ObjectSeal _seal = new(keys, "gc/record/1");

    public byte[] Seal(string name, VouchRecord record) => _seal.Seal(name, record.Encode());

    /// <summary>False: damaged, moved from another name, or sealed under a key that is gone.</summary>
    public bool TryOpen(string name, ReadOnlySpan<byte> bytes, out VouchRecord record)
    {
        record = VouchRecord.Empty;
        return _seal.TryOpen(name, bytes, out byte[]? plain) && VouchRecord.TryDecode(plain, out record);
    }
}
