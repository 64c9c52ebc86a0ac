using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// What the circuits of one region ask of the client around them: bytes that are held, and what to do with bytes that came. Called under a
/// circuit's lock, so every call returns at once and none reads a disk; the client answers over store and caps, tests from memory.
/// </summary>
internal interface IUdpAssets
{
    /// <summary>
    /// Begins to read an asset. Null: it is not held, may not be answered from here (baked, the region's grid not known yet), or too much is being
    /// read already; the viewer's request goes on to the sim. <paramref name="done"/> is called once, on any thread, possibly before this
    /// returns, never under a lock of the caller's own making: it only wakes the circuit.
    /// </summary>
    AssetRead? TryRead(AssetType type, Guid id, Action done);

    /// <summary>A texture the viewer may ask for but which is never cached nor captured (PROTOCOL §7.4).</summary>
    bool IsExcluded(Guid texture);

    /// <summary>A whole asset has come from the sim. It is checked, and stored if it is good, elsewhere; <paramref name="bytes"/> is the taker's now.</summary>
    void Captured(AssetType type, Guid id, byte[] bytes);

    /// <summary>
    /// A part has come from the sim, and no more will: worth completing over HTTP, once. <paramref name="held"/> packets
    /// (<see cref="Lludp.ImagePackets"/>) of <paramref name="bytes"/>, which is as long as the asset and the taker's now, are filled.
    /// </summary>
    void CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held);

    /// <summary>Whether <see cref="Hint"/> is of any use; else messages need not be opened for them.</summary>
    bool WantsHints => true;

    /// <summary>A message has named an asset the viewer may soon want (PROTOCOL §6.3). Often repeated.</summary>
    void Hint(AssetType type, Guid id);

    /// <summary>
    /// A texture the client itself wants the sim to be asked for, once (a grid's stand-in picture). What comes of it is captured like anything else,
    /// and does not reach the viewer unless that asks for it too. The circuit is woken when there is one.
    /// </summary>
    bool TryTakeQuestion(out Guid texture)
    {
        texture = Guid.Empty;
        return false;
    }
}

/// <summary>One asset that is being read whole.</summary>
internal sealed class AssetRead : IDisposable
{
    private readonly Action<int>? _release;
    private volatile byte[]? _bytes;
    private volatile bool _done;
    private int _reserved;

    /// <param name="reserved">Memory set aside for it.</param>
    /// <param name="release">Gets that number back when nobody needs the bytes any more.</param>
    public AssetRead(int reserved = 0, Action<int>? release = null) => (_reserved, _release) = (reserved, release);

    /// <summary>The answer is here: <see cref="Bytes"/>, or that there are none.</summary>
    public bool Done => _done;

    /// <summary>The asset; null when it could not be read.</summary>
    public byte[]? Bytes => _bytes;

    /// <summary>To be called once, before the reader is told.</summary>
    public void Complete(byte[]? bytes)
    {
        _bytes = bytes;
        _done = true;
    }

    /// <summary>The bytes are not needed any more, read or not. Idempotent.</summary>
    public void Dispose()
    {
        int reserved = Interlocked.Exchange(ref _reserved, 0);
        if (reserved > 0)
        {
            _release?.Invoke(reserved);
        }
    }
}
