using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>How reading one held asset goes.</summary>
internal enum ReadManner
{
    /// <summary>Done before the call returns.</summary>
    AtOnce,

    /// <summary>Within the 30 ms a request waits.</summary>
    Soon,

    /// <summary>After them.</summary>
    Late,

    /// <summary>Done, without bytes.</summary>
    Fails,

    /// <summary>Now and then not held at all, as when too much is being read.</summary>
    Unsure,
}

/// <summary>The client around a circuit, from memory and on the models' clock: what is held, how its reading goes, what has been captured.</summary>
internal sealed class ModelStore(Random random, Action<long, Action> after) : IUdpAssets
{
    public Dictionary<(AssetType Type, Guid Id), (byte[] Bytes, ReadManner Manner)> Held { get; } = [];

    public HashSet<Guid> Excluded { get; } = [];

    /// <summary>What the grid would give for an id: captures are compared with it.</summary>
    public Func<Guid, byte[]?> Truth { get; set; } = _ => null;

    /// <summary>Captured assets are held from then on.</summary>
    public bool KeepsCaptured { get; set; }

    public List<(AssetType Type, Guid Id, byte[] Bytes)> CapturedAssets { get; } = [];

    public int CapturedParts { get; private set; }

    public int Reads { get; private set; }

    public int Hints { get; private set; }

    /// <summary>Bytes set aside for reads that have not been given back.</summary>
    public long Reserved { get; private set; }

    public long MostReserved { get; private set; }

    public Guid Hold(AssetType type, byte[] bytes, ReadManner manner = ReadManner.AtOnce, Guid? id = null)
    {
        Guid held = id ?? NewId(random);
        Held[(type, held)] = (bytes, manner);
        return held;
    }

    public static Guid NewId(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    public AssetRead? TryRead(AssetType type, Guid id, Action done)
    {
        if (Excluded.Contains(id) || !Held.TryGetValue((type, id), out (byte[] Bytes, ReadManner Manner) held)
            || (held.Manner == ReadManner.Unsure && random.Next(2) == 0))
        {
            return null;
        }

        Reads++;
        Reserved += held.Bytes.Length;
        MostReserved = Math.Max(MostReserved, Reserved);
        var read = new AssetRead(held.Bytes.Length, bytes => Reserved -= bytes);
        void Answer()
        {
            read.Complete(held.Manner == ReadManner.Fails ? null : held.Bytes);
            done();
        }

        long delay = held.Manner switch
        {
            ReadManner.Soon or ReadManner.Fails => random.Next(100, 20_000),
            ReadManner.Late => random.Next(31_000, 400_000),
            ReadManner.Unsure => random.Next(0, 60_000),
            _ => 0,
        };
        if (delay == 0)
        {
            Answer();
        }
        else
        {
            after(delay, Answer);
        }

        return read;
    }

    public bool IsExcluded(Guid texture) => Excluded.Contains(texture);

    public void Captured(AssetType type, Guid id, byte[] bytes)
    {
        Rules.Check(!Excluded.Contains(id), $"{id} is excluded and was captured");
        Rules.Check(Truth(id) is { } truth && bytes.AsSpan().SequenceEqual(truth), $"{id} was captured with bytes that are not its own");
        CapturedAssets.Add((type, id, bytes));
        if (KeepsCaptured)
        {
            Held[(type, id)] = (bytes, ReadManner.AtOnce);
        }
    }

    public void CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held)
    {
        CapturedParts++;
        byte[]? truth = Truth(id);
        Rules.Check(truth is not null && truth.Length == bytes.Length, $"a part of {id} is not as long as the whole");
        Rules.Check(held.Length == (bytes.Length <= 600 ? 1 : 1 + ((bytes.Length + 399) / 1000)) && held.Contains(false), $"a part of {id} with {held.Length} packets");
        for (int packet = 0; packet < held.Length; packet++)
        {
            int start = packet == 0 ? 0 : (1000 * packet) - 400, end = Math.Min(bytes.Length, 600 + (1000 * packet));
            Rules.Check(!held[packet] || bytes.AsSpan(start..end).SequenceEqual(truth.AsSpan(start..end)), $"packet {packet} of {id} was captured wrongly");
        }
    }

    public void Hint(AssetType type, Guid id) => Hints++;
}
