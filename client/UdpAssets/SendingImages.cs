namespace GlobalCache.Client.UdpAssets;

/// <summary>The images of a circuit that have packets to send, and which is next: the one of the highest priority, first come first served.</summary>
internal sealed class SendingImages
{
    private readonly List<ImageAnswer> _images = [];
    private ImageAnswer? _next;
    private bool _known;
    private long _turns;

    /// <summary>Null: none may send. Found anew only after something has changed, so that a packet costs no walk through all of them.</summary>
    public ImageAnswer? Next
    {
        get
        {
            if (!_known)
            {
                (_next, _known) = (null, true);
                foreach (ImageAnswer image in _images)
                {
                    if (image.Ready && (_next is null || Precedes(image, _next)))
                    {
                        _next = image;
                    }
                }
            }

            return _next;
        }
    }

    public void Add(ImageAnswer image)
    {
        image.Turn = _turns++;
        _images.Add(image);
        _known = false;
    }

    public void Remove(ImageAnswer image)
    {
        _images.Remove(image);
        _known = false;
    }

    /// <summary>Somebody's priority or readiness is another now.</summary>
    public void Changed() => _known = false;

    public void Clear()
    {
        _images.Clear();
        _known = false;
    }

    private static bool Precedes(ImageAnswer one, ImageAnswer other) =>
        one.Request.Priority > other.Request.Priority || (one.Request.Priority == other.Request.Priority && one.Turn < other.Turn);
}
