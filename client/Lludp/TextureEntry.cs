namespace GlobalCache.Client.Lludp;

/// <summary>
/// The textures of an object's faces: the first field of a TextureEntry (PROTOCOL §6.3). First the texture of all faces, then (face mask,
/// texture) for those that differ, until a mask of 0. A mask is base-128, most significant group first.
/// </summary>
internal ref struct TextureEntry(ReadOnlySpan<byte> entry)
{
    public const ulong AllFaces = ulong.MaxValue;

    private ReadOnlySpan<byte> _rest = entry;
    private bool _begun;

    /// <summary>False: there are no more, or what follows is cut off. Later textures take faces away from earlier ones.</summary>
    public bool TryNext(out ulong faces, out Guid texture)
    {
        texture = default;
        faces = AllFaces;
        if ((_begun && (!TryMask(out faces) || faces == 0)) || _rest.Length < 16)
        {
            _rest = default;
            return false;
        }

        texture = new Guid(_rest[..16], bigEndian: true);
        _rest = _rest[16..];
        _begun = true;
        return true;
    }

    private bool TryMask(out ulong mask)
    {
        mask = 0;
        for (int i = 0; i < _rest.Length; i++)
        {
            mask = (mask << 7) | (_rest[i] & 0x7Fu);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
