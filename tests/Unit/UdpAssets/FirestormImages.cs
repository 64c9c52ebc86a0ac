using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>What a viewer does when an image's packets come wrongly: an assertion that ends it, or a cancel.</summary>
internal enum ImageBreach
{
    PacketBeforeHeader,
    SecondHeader,
}

/// <summary>One image as Firestorm's texture fetcher holds it (PROTOCOL §5.3).</summary>
internal sealed class ImageFetch(Guid id)
{
    public Guid Id { get; } = id;

    public int Desired { get; set; }

    public float Priority { get; set; }

    public byte Type { get; init; }

    public List<byte[]?> Packets { get; } = [];

    public int FileSize { get; set; } = -1;

    public int Total { get; set; } = -1;

    /// <summary>The last packet up to which nothing is missing; −1 before the header.</summary>
    public int Last { get; set; } = -1;

    /// <summary>The number under which the header came; null while it has not, or when it came from disk.</summary>
    public uint? HeaderNumber { get; set; }

    /// <summary>Wanted before: of that time packets may still be under way.</summary>
    public bool Again { get; init; }

    /// <summary>Packets up to this one came from the viewer's own disk.</summary>
    public int FromDisk { get; set; } = -1;

    public long Begun { get; init; }

    public long Requested { get; set; } = long.MinValue / 2;

    public int RequestedDiscard { get; set; } = int.MinValue;

    public float RequestedPriority { get; set; }

    public bool Missing { get; set; }

    public bool Done { get; set; }

    public bool Whole => Total > 0 && Last == Total - 1;

    public byte[] Bytes() => [.. Packets.Take(Last + 1).SelectMany(p => p!)];

    public int Held => Last < 0 ? 0 : Packets.Take(Last + 1).Sum(p => p!.Length);
}

/// <summary>
/// Firestorm's UDP texture fetching, with its assertions as failures of the test and its cancels as it sends them. Requests are gathered into
/// RequestImages of at most 50, at most every 0.1 s; repeated on a change of discard, of priority (more than 1000 after 1 s), or after 10 s.
/// </summary>
internal sealed class FirestormImages(Func<ImageFetch, int, int> bytesNeeded)
{
    private const int First = 600, Rest = 1000, PerRequest = 50;
    private const long RequestInterval = LludpManner.Second / 10;

    private readonly Dictionary<Guid, ImageFetch> _fetches = [];
    private readonly HashSet<Guid> _cancels = [];
    private readonly HashSet<Guid> _known = [];
    private readonly Dictionary<Guid, (byte[][] Packets, int FileSize)> _disk = [];
    private long _nextRequest;

    /// <summary>Whether the network between proxy and viewer, or the sim itself, explains it; else it fails the test.</summary>
    public Func<ImageBreach, ImageFetch, uint, bool> Excused { get; set; } = (_, _, _) => false;

    public IReadOnlyDictionary<Guid, ImageFetch> Fetches => _fetches;

    public HashSet<Guid> Finished { get; } = [];

    /// <summary>Packets for what is done or not wanted.</summary>
    public int Waste { get; private set; }

    public int Excuses { get; private set; }

    public int Cancels { get; private set; }

    public ImageFetch? LastCancelled { get; private set; }

    public int Packets { get; private set; }

    public int Repeated { get; private set; }

    public ImageFetch Want(long now, Guid id, int discard, float priority, byte type = 0)
    {
        if (!_fetches.TryGetValue(id, out ImageFetch? fetch))
        {
            _fetches[id] = fetch = new ImageFetch(id) { Type = type, Begun = now, Again = !_known.Add(id) };
            if (_disk.TryGetValue(id, out (byte[][] Packets, int FileSize) held))
            {
                fetch.Packets.AddRange(held.Packets);
                fetch.FileSize = held.FileSize;
                fetch.Total = 1 + ((held.FileSize - First + Rest - 1) / Rest);
                fetch.Last = fetch.FromDisk = held.Packets.Length - 1;
            }
        }

        (fetch.Desired, fetch.Priority) = (discard, priority);
        fetch.Done = false;
        Settle(fetch);
        return fetch;
    }

    /// <summary>The viewer's disk cache holds this much of a file from an earlier session.</summary>
    public void OnDisk(Guid id, byte[] file, int packets) => _disk[id] =
        ([.. Enumerable.Range(0, packets).Select(n => n == 0 ? file[..First] : file.AsSpan(First + (Rest * (n - 1)), Rest).ToArray())], file.Length);

    /// <summary>The image is not wanted any more; what came may be on disk for another time.</summary>
    public void Cancel(Guid id, bool keep)
    {
        if (_fetches.Remove(id, out ImageFetch? fetch))
        {
            LastCancelled = fetch;
            Keep(fetch, keep);
            _cancels.Add(id);
        }
    }

    /// <summary>What is held goes to disk and the fetch is over: a later, better wish begins at its end (Packet &gt; 0).</summary>
    public void Retire(Guid id)
    {
        if (_fetches.Remove(id, out ImageFetch? fetch))
        {
            Keep(fetch, keep: true);
        }
    }

    public void Receive(in Datagram datagram)
    {
        var body = new BodyReader(datagram.Body);
        Guid id = body.Id();
        Packets++;
        if (!_fetches.TryGetValue(id, out ImageFetch? fetch) || fetch.Done || fetch.Missing)
        {
            Waste++;
            if (datagram.Message != Message.ImageNotInDatabase && !(fetch?.Done ?? false))
            {
                _cancels.Add(id);
            }

            return;
        }

        switch (datagram.Message)
        {
            case Message.ImageNotInDatabase:
                fetch.Missing = true;
                return;
            case Message.ImageData:
                Header(fetch, ref body, datagram.Sequence);
                break;
            default:
                int index = body.U16();
                Packet(fetch, index, body.Var2().ToArray(), datagram.Sequence);
                break;
        }

        Rules.Check(!body.Overrun, $"{datagram.Message} for {id} ends before its fields do");
        Settle(fetch);
    }

    /// <summary>The requests and cancels of this frame.</summary>
    public void Frame(long now, Action<List<(Guid Id, sbyte Discard, float Priority, uint Packet, byte Type)>> send)
    {
        if (now < _nextRequest)
        {
            return;
        }

        List<(Guid Id, sbyte Discard, float Priority, uint Packet, byte Type)> batch = [];
        foreach (ImageFetch fetch in _fetches.Values.Where(f => !f.Done && !f.Missing && IsDue(f, now)).OrderByDescending(f => f.Priority))
        {
            Repeated += fetch.RequestedDiscard == int.MinValue ? 0 : 1;
            fetch.Requested = now;
            (fetch.RequestedDiscard, fetch.RequestedPriority) = (fetch.Desired, fetch.Priority);
            batch.Add((fetch.Id, (sbyte)fetch.Desired, fetch.Priority, (uint)(fetch.Last + 1), fetch.Type));
        }

        Cancels += _cancels.Count;
        batch.AddRange(_cancels.Where(id => !_fetches.TryGetValue(id, out ImageFetch? f) || f.Requested < now).Select(id => (id, (sbyte)-1, 0f, 0u, (byte)0)));
        _cancels.Clear();
        foreach ((Guid, sbyte, float, uint, byte)[] part in batch.Chunk(PerRequest))
        {
            send([.. part]);
            _nextRequest = now + RequestInterval;
        }
    }

    private static bool IsDue(ImageFetch fetch, long now)
    {
        long elapsed = now - fetch.Requested;
        return fetch.RequestedDiscard != fetch.Desired
            || (Math.Abs(fetch.RequestedPriority - fetch.Priority) > 1000 && elapsed >= LludpManner.Second)
            || elapsed >= 10 * LludpManner.Second;
    }

    private void Header(ImageFetch fetch, ref BodyReader body, uint number)
    {
        int codec = body.U8();
        uint size = body.U32();
        int packets = body.U16();
        byte[] data = body.Var2().ToArray();
        if (fetch.Last >= 0)
        {
            Breach(ImageBreach.SecondHeader, fetch, number);
            return;
        }

        Rules.Check(codec == 2, $"{fetch.Id}: codec {codec}");
        Rules.Check(size > 0, $"{fetch.Id}: ImageData of Size 0, on which the viewer asserts");
        Rules.Check(data.Length == First || data.Length == size, $"{fetch.Id}: ImageData with {data.Length} of {size} bytes, on which the viewer asserts");
        Rules.Check(packets == (size <= First ? 1 : 1 + ((size - First + Rest - 1) / Rest)), $"{fetch.Id}: {packets} packets for {size} bytes");
        (fetch.FileSize, fetch.Total, fetch.HeaderNumber) = ((int)size, packets, number);
        Insert(fetch, 0, data);
    }

    private void Packet(ImageFetch fetch, int index, byte[] data, uint number)
    {
        if (fetch.Last < 0)
        {
            Breach(ImageBreach.PacketBeforeHeader, fetch, number);
            return;
        }

        int length = index == fetch.Total - 1 ? fetch.FileSize - First - (Rest * (fetch.Total - 2)) : Rest;
        Rules.Check(index > 0 && index < fetch.Total, $"{fetch.Id}: packet {index} of {fetch.Total}");
        Rules.Check(data.Length == length, $"{fetch.Id}: packet {index} of {fetch.Total} with {data.Length} bytes");
        Insert(fetch, index, data);
    }

    private void Breach(ImageBreach breach, ImageFetch fetch, uint number)
    {
        Rules.Check(Excused(breach, fetch, number), $"{fetch.Id}: {breach} (number {number}), on which the viewer cancels");
        Excuses++;
        _cancels.Add(fetch.Id);
    }

    private static void Insert(ImageFetch fetch, int index, byte[] data)
    {
        while (fetch.Packets.Count <= index)
        {
            fetch.Packets.Add(null);
        }

        fetch.Packets[index] ??= data;
        while (fetch.Last + 1 < fetch.Packets.Count && fetch.Packets[fetch.Last + 1] is not null)
        {
            fetch.Last++;
        }
    }

    private void Settle(ImageFetch fetch)
    {
        if (fetch.Whole || (fetch.Last >= 0 && fetch.Held >= bytesNeeded(fetch, fetch.Desired)))
        {
            fetch.Done = true;
            Finished.Add(fetch.Id);
        }
    }

    private void Keep(ImageFetch fetch, bool keep)
    {
        // Only a file that ends with a full packet can be taken up again; a whole one need not be.
        if (keep && fetch.Last >= 0 && !fetch.Whole)
        {
            _disk[fetch.Id] = ([.. fetch.Packets.Take(fetch.Last + 1)!], fetch.FileSize);
        }
        else
        {
            _disk.Remove(fetch.Id);
        }
    }
}
