using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>
/// What happens in one random session: networks, assets and where they are, what the viewer wants, when it changes its mind. All of it follows
/// from the seed.
/// </summary>
internal sealed class SessionPlan
{
    private static readonly int[] s_edges = [1, 599, 600, 601, 1599, 1600, 1601, 2600];
    private static readonly AssetType[] s_transferred = [AssetType.Sound, AssetType.Animation, AssetType.Mesh];

    private readonly Random _random;
    private readonly List<(Guid Id, bool Wanted)> _images = [];
    private readonly List<TransferFetch> _aborted = [];
    private long _last;

    public SessionPlan(int seed, bool withTap = true)
    {
        _random = new Random(seed);
        // One in four has no disturbance at all: there nothing is excused.
        Quiet = _random.Next(4) == 0;
        var options = new ModelSessionOptions
        {
            ViewerLink = Link(),
            SimLink = Link(),
            ViewerFirst = _random.Next(3) == 0 ? 0x1000000u - (uint)_random.Next(2, 150) : 1,
            SimFirst = _random.Next(3) switch { 0 => 0x1000000u - (uint)_random.Next(2, 200), 1 => 0x1000000u + (uint)_random.Next(1000), _ => 1 },
            StandIn = _random.Next(2) == 0 ? SyntheticAssets.Texture(1, 300, 8, 8) : null,
            SimPackets = _random.Next(1, 8),
            BytesNeeded = _random.Next(3) == 0 ? Own(_random.Next(2, 12)) : null,
        };
        Session = new ModelSession(_random, options, withTap);
        Session.Store.KeepsCaptured = _random.Next(2) == 0;
        for (int n = _random.Next(1, 9); n > 0; n--)
        {
            Image(n);
        }

        for (int n = _random.Next(0, 5); n > 0; n--)
        {
            Transfer(n);
        }

        Chatter();
    }

    public ModelSession Session { get; }

    public bool Quiet { get; }

    public int Images => _images.Count;

    public int Transfers => Session.Viewer.Transfers.All.Count;

    /// <summary>Plays it to its end. Fails where a rule is broken, something stays incomplete or has wrong bytes, or does not come to rest.</summary>
    public void Play()
    {
        ModelSession session = Session;
        session.Run(_last);
        bool complete = session.RunUntil(IsComplete, 900 * LludpManner.Second);
        Rules.Check(complete, $"not complete: {string.Join(", ", Incomplete())}; {session.State}");
        Verify();
        bool rests = session.RunUntil(() => session.IsQuiet, 240 * LludpManner.Second);
        Rules.Check(rests, $"does not come to rest: {session.State}");
        Rules.Check(session.MostUnacked <= 1024, $"{session.MostUnacked} injected packets unacked");
        Rules.Check(session.Circuit.Counters.UnknownAcks == 0, $"{session.Circuit.Counters.UnknownAcks} acks for numbers nobody sent");
        Rules.Check(session.Circuit.Counters.Malformed == 0, "the circuit could not read what the models sent");
        Rules.Check(!Quiet || session.ExcusedInjections == 0, "something needed an excuse on a clean network");
        Rules.Check(!Quiet || session.Lost == 0 || session.Viewer.Images.Cancels > 0, "an injected packet was given up on a clean network");
    }

    private LinkQuality Link() => Quiet
        ? LinkQuality.Clean
        : new LinkQuality(
            Loss: _random.Next(2) * _random.NextDouble() * 0.15, Copies: _random.Next(2) * _random.NextDouble() * 0.05,
            Overtaken: _random.Next(2) * _random.NextDouble() * 0.15, Delay: _random.Next(3) == 0 ? _random.Next(50, 80_000) : 50,
            OvertakenBy: _random.Next(1000, 60_000));

    private static Func<ImageFetch, int, int> Own(int divisor) =>
        (fetch, discard) => discard == 0 ? int.MaxValue : Math.Max(601, fetch.FileSize / (divisor * (discard < 0 ? 5 : discard)));

    private void Image(int index)
    {
        int size = _random.Next(3) == 0 ? s_edges[_random.Next(s_edges.Length)] : _random.Next(700, _random.Next(4) == 0 ? 150_000 : 25_000);
        byte[] bytes = Bytes(size, index);
        var id = ModelStore.NewId(_random);
        byte type = 0;
        switch (_random.Next(10))
        {
            case 0:
                // Neither here nor there.
                break;
            case 1:
                type = 1;
                Session.Sim.Assets[id] = bytes;
                // Held or not: a bake is never answered from here.
                Session.Store.Hold(AssetType.Texture, bytes, ReadManner.Unsure, id);
                break;
            case 2:
                Session.Store.Excluded.Add(id);
                Session.Sim.Assets[id] = bytes;
                Session.Store.Hold(AssetType.Texture, bytes, ReadManner.AtOnce, id);
                break;
            case 3 or 4:
                Session.Sim.Assets[id] = bytes;
                break;
            default:
                Session.Sim.Assets[id] = bytes;
                Session.Store.Hold(AssetType.Texture, bytes, Manner(), id);
                break;
        }

        int discard = _random.Next(2) == 0 ? 0 : _random.Next(-1, 6);
        float priority = _random.Next(1, 2_000_000);
        long at = Soon(1000);
        At(at, () => Session.Viewer.Images.Want(Session.Now, id, discard, priority, type));
        bool wanted = true;
        for (int changes = _random.Next(4); changes > 0; changes--)
        {
            at += _random.NextInt64(1, 3000) * LludpManner.Millisecond;
            long when = at;
            float other = _random.Next(1, 2_000_000);
            int finer = _random.Next(0, 3);
            switch (_random.Next(6))
            {
                case 0:
                    bool keep = _random.Next(2) == 0;
                    At(when, () => Session.Viewer.Images.Cancel(id, keep));
                    wanted = false;
                    break;
                case 1:
                    At(when, () => Session.Viewer.Images.Retire(id));
                    At(when + 1, () => Session.Viewer.Images.Want(Session.Now, id, finer, other, type));
                    wanted = true;
                    break;
                default:
                    At(when, () => Session.Viewer.Images.Want(Session.Now, id, finer, other, type));
                    wanted = true;
                    break;
            }
        }

        _images.Add((id, wanted));
    }

    private void Transfer(int index)
    {
        AssetType type = s_transferred[_random.Next(s_transferred.Length)];
        int size = _random.Next(4) == 0 ? _random.Next(75_000, 150_000) : _random.Next(3) == 0 ? s_edges[_random.Next(s_edges.Length)] : _random.Next(1, 20_000);
        byte[] bytes = Bytes(size, index);
        var id = ModelStore.NewId(_random);
        int source = 2;
        switch (_random.Next(8))
        {
            case 0:
                break;
            case 1:
                source = 3;
                Session.Sim.Assets[id] = bytes;
                Session.Store.Hold(type, bytes, ReadManner.AtOnce, id);
                break;
            case 2 or 3:
                Session.Sim.Assets[id] = bytes;
                break;
            default:
                Session.Sim.Assets[id] = bytes;
                Session.Store.Hold(type, bytes, Manner(), id);
                break;
        }

        long at = Soon(4000);
        TransferFetch? fetch = null;
        At(at, () => fetch = Session.Viewer.Transfers.Want(id, (int)type, source));
        if (_random.Next(6) == 0)
        {
            At(at + (_random.NextInt64(1, 800) * LludpManner.Millisecond), () =>
            {
                Session.Viewer.Transfers.Abort(fetch!);
                _aborted.Add(fetch!);
            });
        }
    }

    private void Chatter()
    {
        if (_random.Next(3) == 0)
        {
            return;
        }

        for (int n = _random.Next(10, 150); n > 0; n--)
        {
            byte[] body = new byte[_random.Next(3, 900)];
            _random.NextBytes(body);
            bool reliable = _random.Next(2) == 0;
            At(Soon(8000), () => Session.Sim.Chat(Session.Now, body, reliable));
            bool up = _random.Next(2) == 0;
            At(Soon(8000), () => Session.Viewer.End.Send(Session.Now, new BodyWriter(Message.AgentUpdate).Raw(body.AsSpan(0, Math.Min(body.Length, 200))), up, coded: true));
        }
    }

    private ReadManner Manner() => _random.Next(10) switch
    {
        0 => ReadManner.Fails,
        1 => ReadManner.Late,
        2 => ReadManner.Unsure,
        3 or 4 => ReadManner.Soon,
        _ => ReadManner.AtOnce,
    };

    private byte[] Bytes(int size, int seed)
    {
        if (size >= 200)
        {
            int side = 64 << _random.Next(6);
            return SyntheticAssets.Texture(seed + _random.Next(1000), size, side, side);
        }

        byte[] bytes = new byte[size];
        _random.NextBytes(bytes);
        return bytes;
    }

    private long Soon(int withinMilliseconds) => (500 + _random.NextInt64(withinMilliseconds)) * LludpManner.Millisecond;

    private void At(long time, Action action)
    {
        _last = Math.Max(_last, time);
        Session.After(time, action);
    }

    private bool IsComplete() => !Incomplete().Any();

    private IEnumerable<string> Incomplete()
    {
        foreach ((Guid id, bool wanted) in _images)
        {
            if (wanted && (!Session.Viewer.Images.Fetches.TryGetValue(id, out ImageFetch? fetch) || !(fetch.Done || fetch.Missing)))
            {
                yield return $"image {id} ({Session.Store.Held.GetValueOrDefault((AssetType.Texture, id)).Manner}) has {fetch?.Last + 1} of {fetch?.Total} packets";
            }
        }

        foreach (TransferFetch fetch in Session.Viewer.Transfers.All.Where(t => t.Outcome is null))
        {
            yield return $"transfer of {fetch.Asset} has {fetch.Bytes.Count} of {fetch.Size} bytes after {fetch.Attempts} attempts";
        }
    }

    private void Verify()
    {
        foreach ((Guid id, bool wanted) in _images.Where(i => i.Wanted))
        {
            ImageFetch fetch = Session.Viewer.Images.Fetches[id];
            byte[]? truth = Session.Sim.Assets.GetValueOrDefault(id) ?? Session.Options.StandIn;
            Rules.Check(fetch.Missing == truth is null, $"image {id}: missing is {fetch.Missing}");
            if (truth is not null)
            {
                byte[] held = fetch.Bytes();
                Rules.Check(fetch.FileSize == truth.Length && held.Length <= truth.Length && truth.AsSpan(0, held.Length).SequenceEqual(held), $"image {id} has wrong bytes");
                Rules.Check(fetch.Desired != 0 || held.Length == truth.Length, $"image {id} has {held.Length} of {truth.Length} bytes");
            }
        }

        foreach (TransferFetch fetch in Session.Viewer.Transfers.All.Where(t => t.Outcome != 3))
        {
            byte[]? truth = Session.Sim.Assets.GetValueOrDefault(fetch.Asset);
            Rules.Check(fetch.Outcome == (truth is null ? -2 : 1), $"transfer of {fetch.Asset} ended with {fetch.Outcome}");
            Rules.Check(truth is null || fetch.Bytes.SequenceEqual(truth), $"transfer of {fetch.Asset} has wrong bytes");
            Rules.Check(fetch.Source == 2 || !Session.Store.CapturedAssets.Any(c => c.Id == fetch.Asset), "what is permission-checked was captured");
        }
    }
}
