using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// Pieces together the images a sim sends on one circuit, from first copies only (PROTOCOL §5.5). What the viewer did not ask the sim for is not
/// captured. An image is <i>asked</i> until its header has come, then <i>filling</i>, and leaves the table when it is whole, missing or its
/// patience is at an end; a <i>cancelled</i> one stays for the packets on their way, and goes on filling if it is asked for again.
/// </summary>
internal sealed class ImageCaptures(IUdpAssets assets, CaptureMemory memory, long ticksPerSecond)
{
    /// <summary>Images of one circuit; beyond it all are the sim's, whoever it was that asked.</summary>
    public const int Capacity = 4096;

    /// <summary>How long after a cancel packets may still be on their way.</summary>
    public const int CancelSeconds = 10;

    private readonly long _patience = (long)(memory.Patience.TotalSeconds * ticksPerSecond);
    private readonly Dictionary<Guid, ImageCapture> _images = [];
    private readonly List<Guid> _due = [];
    private readonly CaptureClock _clock = new(ticksPerSecond);

    /// <summary>When <see cref="Tick"/> is wanted; <see cref="Circuit.Never"/>: nothing waits.</summary>
    public long Deadline => _clock.Deadline;

    /// <summary>Images being pieced together or waited for.</summary>
    public int Count => _images.Count;

    /// <summary>The sim was asked for it, and is not done: the image is not complete, missing, cancelled or silent for long.</summary>
    public bool IsUnderWay(Guid id) => _images.TryGetValue(id, out ImageCapture? image) ? !image.Cancelled : _images.Count >= Capacity;

    /// <summary>A block has been forwarded to the sim. A sim that never answers is not waited for longer because the viewer asks again.</summary>
    public void Asked(long now, in ImageRequest request)
    {
        if (_images.TryGetValue(request.Id, out ImageCapture? image))
        {
            if (image.Cancelled)
            {
                image.Cancelled = false;
                PutOff(image, now, _patience);
            }
        }
        else if (_images.Count < Capacity)
        {
            _images.Add(request.Id, image = new ImageCapture());
            PutOff(image, now, _patience);
        }
    }

    /// <summary>ImageData. Another size than before means other bytes: the capture begins anew.</summary>
    public void Header(long now, Guid id, byte codec, uint size, ushort packets, ReadOnlySpan<byte> data)
    {
        if (!_images.TryGetValue(id, out ImageCapture? image))
        {
            return;
        }

        PutOff(image, now, Progress(image));
        if (codec != ImageCapture.J2c || size == 0 || size > (uint)AssetType.Texture.MaxBytes())
        {
            image.Refuse(memory);
        }
        else if (image.Fill((int)size, packets, data, memory))
        {
            Complete(id, image);
        }
    }

    /// <summary>ImagePacket. The header may still be on its way.</summary>
    public void Packet(long now, Guid id, ushort packet, ReadOnlySpan<byte> data)
    {
        if (!_images.TryGetValue(id, out ImageCapture? image))
        {
            return;
        }

        PutOff(image, now, Progress(image));
        if (image.Fill(packet, data, memory))
        {
            Complete(id, image);
        }
    }

    /// <summary>The sim has no such image.</summary>
    public void Missing(long now, Guid id)
    {
        if (_images.Remove(id, out ImageCapture? image))
        {
            image.Refuse(memory);
        }
    }

    /// <summary>The viewer does not want it any more: often it has seen enough, and what is here is worth completing.</summary>
    public void Cancelled(long now, Guid id)
    {
        if (_images.TryGetValue(id, out ImageCapture? image) && !image.Cancelled)
        {
            image.Cancelled = true;
            PutOff(image, now, CancelSeconds * ticksPerSecond);
        }
    }

    /// <summary>Gives up what has waited long enough. Extra calls are harmless.</summary>
    public void Tick(long now)
    {
        if (now < Deadline)
        {
            return;
        }

        long next = Circuit.Never;
        foreach ((Guid id, ImageCapture image) in _images)
        {
            if (image.Due <= now)
            {
                _due.Add(id);
            }
            else
            {
                next = Math.Min(next, image.Due);
            }
        }

        _clock.Begin(now, next);
        foreach (Guid id in _due)
        {
            GiveUp(id);
        }

        _due.Clear();
    }

    /// <summary>The circuit is over: its memory is the others' again.</summary>
    public void Close()
    {
        foreach (ImageCapture image in _images.Values)
        {
            image.Refuse(memory);
        }

        _images.Clear();
        _clock.Begin(0, Circuit.Never);
    }

    private long Progress(ImageCapture image) => image.Cancelled ? CancelSeconds * ticksPerSecond : _patience;

    private void PutOff(ImageCapture image, long now, long wait) => _clock.Expect(image.Due = now + wait);

    private void Complete(Guid id, ImageCapture image)
    {
        _images.Remove(id);
        assets.Captured(AssetType.Texture, id, image.Take(memory, out _));
    }

    private void GiveUp(Guid id)
    {
        _images.Remove(id, out ImageCapture? image);
        if (image!.IsFilling)
        {
            assets.CapturedPart(AssetType.Texture, id, image.Take(memory, out bool[] held), held);
        }
        else
        {
            image.Refuse(memory);
        }
    }
}
