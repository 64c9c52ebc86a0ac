namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// How fast one viewer takes packets of ours. All circuits of a session end at its one socket, so the pace is learnt for the session and shared out
/// evenly among the circuits that have something to send (docs/adr/0005-pacing.md). A packet may go when
/// <code>
/// ceiling   the session is below 16 MB/s, and
/// window    not more is unacked than the rate brings in 0.15 s (acks are collected for 0.1 s, then a frame), 256 packets at least, and
/// tokens    the circuit's bucket is not empty, or
/// free      fewer than 64 packets are unacked: they fit any viewer's buffer, whenever it reads.
/// </code>
/// Thread-safe: circuits run on different threads.
/// </summary>
internal sealed class ViewerPace(long ticksPerSecond)
{
    /// <summary>Bytes a second.</summary>
    public const int StartRate = 2_000_000, MinRate = 128_000, MaxRate = 16_000_000;

    /// <summary>Packets that may be unacked whatever the rate says.</summary>
    public const int Free = 64;

    /// <summary>Packets that may be unacked at least before sending stops.</summary>
    public const int MinWindow = 256;

    // Few enough to leave room among ReliablePackets.Capacity.
    private const int MaxWindow = 960;

    private const int PacketBytes = 1030;
    private const int Burst = 16 * PacketBytes;
    private const int Debt = Free * PacketBytes;

    private readonly Lock _gate = new();
    private double _rate = StartRate;
    private double _ceiling = Debt;
    private long _ceilingAt = long.MinValue;
    private long _halvedAt = long.MinValue;
    private double _careful = MaxRate;
    private long _cleanSince = long.MinValue;
    private bool _limited;
    private bool _acked;
    private int _active;
    private int _unacked;

    /// <summary>Bytes a second the session's buckets are filled with.</summary>
    public int Rate
    {
        get
        {
            lock (_gate)
            {
                return (int)_rate;
            }
        }
    }

    /// <summary>Packets of all circuits that are unacked.</summary>
    public int Unacked
    {
        get
        {
            lock (_gate)
            {
                return _unacked;
            }
        }
    }

    /// <summary>One circuit's part in the pace.</summary>
    public Share Join() => new(this);

    private int Window => Math.Clamp((int)(_rate * 0.15 / PacketBytes), MinWindow, MaxWindow);

    private long Wait(double bytes, double rate) => Math.Max(Math.Max(1, ticksPerSecond / 1000), (long)Math.Ceiling(bytes / rate * ticksPerSecond));

    private double Earned(long since, long now, double rate) => rate * Math.Clamp(now - since, 0, ticksPerSecond) / ticksPerSecond;

    internal sealed class Share(ViewerPace pace)
    {
        private double _tokens = Burst;
        private long _tokensAt = long.MinValue;
        private int _unacked;
        private bool _active;

        /// <summary>When the next packet may be sent: not after <paramref name="now"/> if at once. An ack may make it sooner.</summary>
        public long Next(long now)
        {
            lock (pace._gate)
            {
                if (!_active)
                {
                    _active = true;
                    pace._active++;
                }

                Refill(now);
                int window = pace.Window;
                if (pace._unacked >= window || (_unacked >= window / pace._active && pace._active > 1))
                {
                    // Other circuits' acks do not wake this one.
                    return now + Math.Max(1, pace.Ticks / 50);
                }

                if (pace._ceiling <= 0)
                {
                    return now + pace.Wait(PacketBytes - pace._ceiling, MaxRate);
                }

                if (_tokens > 0 || (pace._unacked < Free && _unacked < Math.Max(1, Free / pace._active)))
                {
                    return now;
                }

                pace._limited = true;
                return now + pace.Wait(PacketBytes - _tokens, pace._rate / pace._active);
            }
        }

        public void Sent(int bytes)
        {
            lock (pace._gate)
            {
                _unacked++;
                pace._unacked++;
                Spend(bytes);
            }
        }

        /// <summary>One packet is acked or given up.</summary>
        public void Settled()
        {
            lock (pace._gate)
            {
                _unacked--;
                pace._unacked--;
                pace._acked = true;
            }
        }

        /// <summary>
        /// A packet first sent at <paramref name="sent"/> was lost: the rate halves, but once for all that was on its way before it last did.
        /// </summary>
        public void Resent(long now, long sent)
        {
            lock (pace._gate)
            {
                if (sent >= pace._halvedAt)
                {
                    pace._careful = pace._rate * 0.85;
                    pace._rate = Math.Max(MinRate, pace._rate / 2);
                    pace._halvedAt = now;
                }

                (pace._cleanSince, pace._limited, pace._acked) = (now, false, false);
                Spend(PacketBytes);
            }
        }

        /// <summary>Nothing is to be sent at present.</summary>
        public void Idle()
        {
            if (_active)
            {
                lock (pace._gate)
                {
                    _active = false;
                    pace._active--;
                }
            }
        }

        /// <summary>The circuit is over.</summary>
        public void Leave()
        {
            Idle();
            lock (pace._gate)
            {
                pace._unacked -= _unacked;
                _unacked = 0;
            }
        }

        private void Refill(long now)
        {
            if (pace._ceilingAt == long.MinValue)
            {
                pace._ceilingAt = pace._cleanSince = now;
            }

            if (_tokensAt == long.MinValue)
            {
                _tokensAt = now;
            }

            if (now - pace._cleanSince >= pace.Ticks)
            {
                // Not while nothing shows that more could be taken; and slowly where it once was too much.
                double growth = !pace._limited || !pace._acked ? 1 : pace._rate < pace._careful ? 1.1 : 1.01;
                pace._rate = Math.Min(MaxRate, pace._rate * growth);
                (pace._cleanSince, pace._limited, pace._acked) = (now, false, false);
            }

            pace._ceiling = Math.Min(Debt, pace._ceiling + pace.Earned(pace._ceilingAt, now, MaxRate));
            pace._ceilingAt = Math.Max(pace._ceilingAt, now);
            _tokens = Math.Min(Burst, _tokens + pace.Earned(_tokensAt, now, pace._rate / pace._active));
            _tokensAt = Math.Max(_tokensAt, now);
        }

        private void Spend(int bytes)
        {
            _tokens = Math.Max(-Debt, _tokens - bytes);
            pace._ceiling -= bytes;
        }
    }

    private long Ticks => ticksPerSecond;
}
