using GlobalCache.Client.Circuits;

namespace GlobalCache.Tests.Circuits;

/// <summary>
/// One sender's packets on their way to the map: 5 % lost for good, 15 % late by up to 40, 10 % resent, with bursts of injections, and decisions
/// that swallow 13 % and come up to 30 packets late. Keeps its own books of who was given which number.
/// </summary>
internal sealed class SequenceMapCourse(uint start, int count, Random random, bool thirtyTwoBit)
{
    private readonly SequenceMap _map = new();
    private readonly Dictionary<uint, long> _given = [];            // n → s, or -1 for one of ours
    private readonly Dictionary<long, uint> _numbers = [];          // s → n
    private readonly HashSet<long> _swallowed = [];
    private readonly PriorityQueue<long, int> _held = new();
    private readonly uint _mask = thirtyTwoBit ? uint.MaxValue : 0xFFFFFF;
    private int _lost, _holes, _seen;
    private long _highest = -1;
    private bool _injectedSinceHighest;

    public int Run()
    {
        var way = new PriorityQueue<long, int>();
        for (int i = 0; i < count; i++)
        {
            if (i > 0 && random.Next(100) < 5)
            {
                _lost++;
                continue;
            }

            way.Enqueue(start + (long)i, i == 0 ? -1 : i + (random.Next(100) < 15 ? random.Next(40) : 0));
            if (random.Next(100) < 10)
            {
                way.Enqueue(start + (long)i, i + random.Next(1, 200));
            }
        }

        for (int step = 0; way.TryDequeue(out long s, out _); step++)
        {
            while (_held.TryPeek(out long held, out int due) && due <= step)
            {
                _held.Dequeue();
                Decide(held, random.Next(2) == 0);
            }

            Arrive(s, step);
            for (int burst = random.Next(100) < 20 ? random.Next(1, 6) : 0; burst > 0; burst--)
            {
                uint n = _map.Wire(_map.Inject());
                Assert.True(_given.TryAdd(n, -1), $"number {n} given twice");
                _injectedSinceHighest = true;
            }

            Acknowledge();
        }

        while (_held.TryDequeue(out long held, out _))
        {
            Decide(held, swallow: false);
        }

        foreach ((uint n, long s) in _given.Skip(Math.Max(0, _given.Count - 3000)))
        {
            Check(n, s);
        }

        HolesArePreserved();
        return _numbers.Count;
    }

    private void Arrive(long s, int step)
    {
        uint wire = (uint)s & _mask;
        bool first = s != 0 && !_numbers.ContainsKey(s) && !_swallowed.Contains(s) && _seen++ >= 0;
        if (s > _highest)
        {
            (_highest, _injectedSinceHighest) = (s, false);
        }

        switch (_map.Observe(wire))
        {
            case Fate.Unseen when random.Next(100) is int chance && chance < 13:
                Decide(s, swallow: true);
                break;
            case Fate.Unseen when random.Next(100) < 10:
                _map.Hold(wire);
                _held.Enqueue(s, step + random.Next(1, 30));
                break;
            case Fate.Unseen:
                Assert.True(first || s == 0);
                Decide(s, swallow: false);
                break;
            case Fate.Forwarded:
            case Fate.Outside:
                Assert.False(first);
                Assert.True(!_numbers.TryGetValue(s, out uint n) || n == _map.Forward(wire), "a resend changed its number");
                break;
            case Fate.Swallowed:
                Assert.Contains(s, _swallowed);
                break;
            case Fate.Held:
                Assert.Contains(s, _held.UnorderedItems.Select(h => h.Element));
                break;
            default:
                Assert.Fail("forgotten within the window");
                break;
        }
    }

    private void Decide(long s, bool swallow)
    {
        uint wire = (uint)s & _mask;
        if (swallow)
        {
            _holes += s != _highest || _injectedSinceHighest || s == 0 ? 1 : 0;
            _map.Swallow(wire);
            _swallowed.Add(s);
            return;
        }

        uint n = _map.Forward(wire);
        Assert.True(_given.TryAdd(n, s), $"number {n} given twice");
        _numbers.Add(s, n);
    }

    private void Acknowledge()
    {
        if (_numbers.Count > 0 && random.Next(4) == 0)
        {
            long s = _highest - random.Next(300);
            if (_numbers.TryGetValue(s, out uint n))
            {
                Check(n, s);
            }
        }
    }

    private void Check(uint n, long s)
    {
        Origin origin = _map.Invert(n, out uint back);
        Assert.Equal(s < 0 ? Origin.Injected : Origin.Sender, origin);
        Assert.True(s < 0 || back == ((uint)s & _mask), "an ack came back under another number");
    }

    private void HolesArePreserved()
    {
        // Everything from the first number to the last is given, but for the holes real losses and late decisions left.
        long[] used = _given.Keys.Select(n => (long)n - start & _mask).Order().ToArray();
        long range = used.Length == 0 ? 0 : used[^1] - used[0] + 1;
        long gaps = range - used.Length;
        Assert.InRange(gaps, Math.Max(0, _lost - 100), _lost + _holes);
    }
}
