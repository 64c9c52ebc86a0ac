namespace GlobalCache.Bench.Scaling;

/// <summary>What a run came to; requests are shares of all that came.</summary>
/// <param name="NodeHours">Paid.</param>
/// <param name="Overloaded">Sent to a node above load 1: they wait.</param>
/// <param name="Shed">Answered with 503 and Retry-After, which sends the client to its grid.</param>
/// <param name="Stopped">Sent to an address where nobody serves any more: nobody answers.</param>
/// <param name="ActionsPerDay">Nodes opened, closed and called back.</param>
/// <param name="MeanNodes">Serving, in the mean.</param>
/// <param name="MostNodes">Serving, at most.</param>
/// <param name="DrainHours">Of <paramref name="NodeHours"/>, those of nodes told to go.</param>
internal sealed record Outcome(
    double NodeHours, double Overloaded, double Shed, double Stopped, double ActionsPerDay, double MeanNodes, int MostNodes, double DrainHours);

/// <summary>
/// A fleet under a scaler: requests flow, clients come in cohorts that ask the DNS again, most of them after its TTL and some much later, and are then spread
/// over the addresses of that moment, in lumps as large as resolvers are. A node serves what it can, lets a little wait, and sheds the rest.
/// </summary>
internal sealed class FleetSimulation
{
    private const double Dt = DemandCurve.Tick;
    private const int Spreads = 512;

    private enum State { Free, Booting, Serving, Draining }

    private readonly Setting _setting;
    private readonly Scaler _scaler;
    private readonly Chance _chance;
    private readonly double[]?[,] _lumps;

    // Per address.
    private readonly State[] _state;
    private readonly double[] _launched;
    private readonly double[] _ready;
    private readonly double[] _backlog;
    private readonly double[] _told;
    private readonly double[] _quiet;
    private readonly double[] _clients;
    private readonly bool[] _published;
    private readonly List<int> _live = [];
    private readonly int[] _addresses;

    // Clients by the tick at which they ask again: those that heed the TTL, and the others.
    private readonly double[][] _heeding;
    private readonly double[][] _sticky;
    private readonly List<(double At, int Node, bool Published)> _changes = [];
    private readonly Queue<double> _launches = [];
    private double _paidSeconds;
    private int _actions;

    private FleetSimulation(Setting setting, Scaler scaler, int seed)
    {
        (_setting, _scaler, _chance) = (setting, scaler, new(seed));
        // One address more than nodes can hold, where nobody ever serves: clients that found an empty DNS.
        int room = (2 * setting.Max) + 16;
        (_state, _published, _addresses) = (new State[room], new bool[room], new int[room]);
        (_launched, _ready, _backlog) = (new double[room], new double[room], new double[room]);
        (_told, _quiet, _clients) = (new double[room], new double[room], new double[room]);
        _heeding = [.. Enumerable.Range(0, Math.Max(1, (int)Math.Round(setting.Ttl / Dt))).Select(_ => new double[room])];
        _sticky = [.. Enumerable.Range(0, Math.Max(1, (int)Math.Round(setting.Hold / Dt))).Select(_ => new double[room])];
        _lumps = new double[]?[room, Spreads];
    }

    public static Outcome Run(DemandCurve curve, double[] arrivals, Scaler scaler, Setting setting, int seed) =>
        new FleetSimulation(setting, scaler, seed).Run(curve, arrivals);

    private Outcome Run(DemandCurve curve, double[] arrivals)
    {
        Open(Math.Max(_setting.Min, _scaler.Begin(curve, _setting)));
        double all = 0, overloaded = 0, shed = 0, stopped = 0, drainSeconds = 0, servingTicks = 0, total = 1;
        double waitingMost = _setting.Queue * _setting.Capacity;
        int most = 0;
        double seenRate = arrivals[0], seenLoad = 0;
        for (int k = 0; k < arrivals.Length; k++)
        {
            double t = k * Dt;
            ChangeZone(t);
            foreach (double[][] cohorts in (double[][][])[_heeding, _sticky]) AskAgain(cohorts[k % cohorts.Length]);
            if (k > 0 && curve.Rate[k] > curve.Rate[k - 1]) total += Arrive(((curve.Rate[k] / curve.Rate[k - 1]) - 1) * total, k);
            if (total > 1e6) total = Normalise(total);

            double perClient = arrivals[k] / total;
            all += arrivals[k] * Dt;
            double served = 0, loads = 0;
            int serving = 0, booting = 0, draining = 0;
            for (int n = _live.Count - 1; n >= 0; n--)
            {
                int node = _live[n];
                if (_state[node] == State.Booting)
                {
                    booting++;
                    if (t >= _ready[node])
                    {
                        _state[node] = State.Serving;
                        _changes.Add((t + _setting.DnsDelay, node, true));
                    }

                    continue;
                }

                double rate = _clients[node] * perClient;
                if (rate < 1e-7) rate = 0;
                served += rate;
                if (rate > _setting.Capacity) overloaded += rate * Dt;
                double backlog = Math.Max(0, _backlog[node] + ((rate - _setting.Capacity) * Dt));
                shed += Math.Max(0, backlog - waitingMost);
                _backlog[node] = Math.Min(backlog, waitingMost);
                if (_state[node] == State.Serving)
                {
                    serving++;
                    loads += rate / _setting.Capacity;
                    continue;
                }

                draining++;
                drainSeconds += Dt;
                _quiet[node] = rate * Dt < 0.02 ? _quiet[node] + Dt : 0;
                if (_scaler.MayEnd(t - _told[node], _quiet[node], _setting)) End(node, t);
            }

            if (arrivals[k] - served > 1e-6) stopped += (arrivals[k] - served) * Dt;
            servingTicks += serving;
            most = Math.Max(most, serving);
            int? want = _scaler.Next(new(t, seenRate, seenLoad, serving, booting, draining));
            (seenRate, seenLoad) = (served, serving > 0 ? loads / serving : 0);
            if (want is { } target) Follow(Math.Clamp(target, _setting.Min, _setting.Max), serving, booting, t);
        }

        foreach (int node in _live) Pay((arrivals.Length * Dt) - _launched[node]);
        double days = arrivals.Length * Dt / 86_400;
        return new(_paidSeconds / 3600, overloaded / all, shed / all, stopped / all, _actions / days, servingTicks / arrivals.Length, most, drainSeconds / 3600);
    }

    private void Open(int nodes)
    {
        for (int i = 0; i < nodes; i++)
        {
            (_state[i], _published[i]) = (State.Serving, true);
            _live.Add(i);
            foreach ((double[][] cohorts, double share) in ((double[][], double)[])[(_heeding, 1 - _setting.Sticky), (_sticky, _setting.Sticky)])
            {
                foreach (double[] cohort in cohorts)
                {
                    cohort[i] = share / cohorts.Length / nodes;
                    _clients[i] += cohort[i];
                }
            }
        }
    }

    private void Follow(int target, int serving, int booting, double t)
    {
        int more = target - serving - booting;
        if (more > 0)
        {
            if (_scaler.CallsBack)
            {
                foreach (int node in _live.Where(n => _state[n] == State.Draining).OrderByDescending(n => _told[n]).Take(more).ToList())
                {
                    Publish(node, true, t);
                    _state[node] = State.Serving;
                    more--;
                }
            }

            while (_launches.TryPeek(out double oldest) && oldest <= t - 3600) _launches.Dequeue();
            for (; more > 0 && _launches.Count < _scaler.LaunchesPerHour; more--) Launch(t);
        }
        else if (target < serving)
        {
            foreach (int node in _live.Where(n => _state[n] == State.Serving).OrderBy(n => _clients[n]).Take(serving - target).ToList())
            {
                Publish(node, false, t);
                (_state[node], _told[node], _quiet[node]) = (State.Draining, t, 0);
            }
        }
    }

    private void Launch(double t)
    {
        int node = Enumerable.Range(0, _state.Length - 1).Where(i => _state[i] == State.Free).MinBy(i => _clients[i]);
        (_state[node], _launched[node], _ready[node]) = (State.Booting, t, t + _chance.Between(_setting.Boot.Low, _setting.Boot.High));
        (_backlog[node], _quiet[node]) = (0, 0);
        _live.Add(node);
        _launches.Enqueue(t);
        _actions++;
    }

    private void Publish(int node, bool published, double t)
    {
        _changes.RemoveAll(c => c.Node == node);
        _changes.Add((t + _setting.DnsDelay, node, published));
        _actions++;
    }

    private void ChangeZone(double t)
    {
        for (int i = _changes.Count - 1; i >= 0; i--)
        {
            (double at, int node, bool published) = _changes[i];
            if (at > t) continue;
            if (_state[node] is State.Serving or State.Draining) _published[node] = published && _state[node] == State.Serving;
            _changes.RemoveAt(i);
        }
    }

    private void End(int node, double t)
    {
        Pay(t - _launched[node]);
        (_state[node], _published[node]) = (State.Free, false);
        _live.Remove(node);
    }

    private void Pay(double seconds) => _paidSeconds += Math.Max(seconds, _setting.LeastPaid);

    private void AskAgain(double[] cohort)
    {
        double clients = 0;
        for (int i = 0; i < cohort.Length; i++)
        {
            clients += cohort[i];
            _clients[i] -= cohort[i];
            cohort[i] = 0;
        }

        Spread(clients, cohort);
    }

    private double Arrive(double clients, int tick)
    {
        Spread(clients * (1 - _setting.Sticky), _heeding[tick % _heeding.Length]);
        Spread(clients * _setting.Sticky, _sticky[tick % _sticky.Length]);
        return clients;
    }

    private void Spread(double clients, double[] cohort)
    {
        int count = 0;
        foreach (int node in _live)
            if (_published[node]) _addresses[count++] = node;
        if (count == 0) _addresses[count++] = cohort.Length - 1;
        double[] shares = Shares(count);
        for (int i = 0; i < count; i++)
        {
            double share = shares[i] * clients;
            cohort[_addresses[i]] += share;
            _clients[_addresses[i]] += share;
        }
    }

    private double[] Shares(int addresses)
    {
        if (addresses == 1) return [1];
        ref double[]? shares = ref _lumps[addresses, (int)(_chance.Uniform() * Spreads)];
        if (shares is not null) return shares;
        shares = [.. Enumerable.Range(0, addresses).Select(_ => _chance.Gamma(_setting.Resolvers / addresses))];
        double sum = shares.Sum();
        for (int i = 0; i < shares.Length; i++) shares[i] /= sum;
        return shares;
    }

    private double Normalise(double total)
    {
        Array.Clear(_clients);
        foreach (double[] cohort in _heeding.Concat(_sticky))
        {
            for (int i = 0; i < cohort.Length; i++)
            {
                cohort[i] /= total;
                _clients[i] += cohort[i];
            }
        }

        return 1;
    }
}
