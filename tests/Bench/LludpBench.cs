namespace GlobalCache.Bench;

/// <summary>
/// Forwarded UDP: sim, viewer and what lies between them are processes of their own on the two cores there are. The same ends send directly,
/// through the <see cref="BareForwarder"/> and through the pump in turn.
/// </summary>
internal sealed class LludpBench : IAsyncDisposable
{
    private const int Rounds = 7;
    private const int StreamMilliseconds = 1000;
    private const int Pings = 6000;
    private const int OpenRate = 50_000;
    private const int CalmRate = 1000;
    private const int Injected = 10_000;

    private readonly ToldProcess _sim;
    private readonly ToldProcess _viewer;
    private readonly Way _direct;
    private readonly Way _bare;
    private readonly Way _pump;

    private LludpBench(ToldProcess sim, ToldProcess viewer, Way bare, Way pump) =>
        (_sim, _viewer, _direct, _bare, _pump) = (sim, viewer, new Way(null, viewer.Port, sim.Port), bare, pump);

    /// <summary>Where the sim and the viewer send to, and the process between.</summary>
    private sealed record Way(ToldProcess? Process, int SimSendsTo, int ViewerSendsTo);

    private sealed record Stream(double Pps, double CpuMicros, double Bytes, int Stalls);

    private sealed record Steady(int Sent, int Lost, double P50, double P99, double CpuMicros);

    /// <summary>Measures the parts that are wanted; all of them take about a minute and a half.</summary>
    public static async Task<LludpFigures> RunAsync(Func<string, bool> wanted)
    {
        await using LludpBench bench = await StartAsync();
        LludpFigures figures = await bench.IdleAsync();

        // Until everything is compiled that will be.
        await RoundsAsync(bench.Ways, bench.StreamAsync, rounds: 1);
        await RoundsAsync(bench.Ways, bench.PingAsync, rounds: 1);
        figures = wanted("stream") ? await bench.StreamsAsync(figures) : figures;
        figures = wanted("injected") ? await bench.InjectedAsync(figures) : figures;
        figures = wanted("latency") ? await bench.LatencyAsync(figures) : figures;
        figures = wanted("open") ? await bench.OpenLoopAsync(figures) : figures;
        figures = wanted("calm") ? await bench.CalmAsync(figures) : figures;
        return wanted("texture") ? figures with { Textures = await TextureBench.RunAsync() } : figures;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ToldProcess? process in new[] { _pump.Process, _bare.Process, _viewer, _sim })
        {
            await process!.DisposeAsync();
        }
    }

    private static async Task<LludpBench> StartAsync()
    {
        ToldProcess sim = await ToldProcess.StartAsync(UdpEnd.Verb, "sim"), viewer = await ToldProcess.StartAsync(UdpEnd.Verb, "viewer");

        // Both learn the viewer's address from its first packet; the sim learns where to send to from where that comes from.
        async Task<Way> OpenAsync(string verb)
        {
            ToldProcess process = await ToldProcess.StartAsync(verb, $"{sim.Port}");
            await viewer.AskAsync($"open {process.Port}");
            return new Way(process, (await sim.AskAsync("accept")).GetInt32(), process.Port);
        }

        return new LludpBench(sim, viewer, await OpenAsync(BareForwarder.Verb), await OpenAsync(PumpProcess.Verb));
    }

    private Way[] Ways => [_direct, _bare, _pump];

    private async Task<LludpFigures> IdleAsync()
    {
        // The first answer compiles what answers.
        await _pump.Process!.UsageAsync();
        Usage before = await _pump.Process.UsageAsync();
        await Task.Delay(TimeSpan.FromSeconds(2));
        double used = (await _pump.Process.UsageAsync()).CpuMicroseconds - before.CpuMicroseconds;
        return new LludpFigures { IdleCpuPercent = 100 * used / 2e6 };
    }

    private async Task<LludpFigures> StreamsAsync(LludpFigures figures)
    {
        List<Stream[]> rounds = await RoundsAsync(Ways, StreamAsync);
        return figures with
        {
            DirectPps = Median(rounds, r => r[0].Pps),
            BarePps = Median(rounds, r => r[1].Pps),
            PumpPps = Median(rounds, r => r[2].Pps),
            RatioPps = Median(rounds, r => r[2].Pps / r[1].Pps),
            BareCpuMicros = Median(rounds, r => r[1].CpuMicros),
            PumpCpuMicros = Median(rounds, r => r[2].CpuMicros),
            RatioCpu = Median(rounds, r => r[2].CpuMicros / r[1].CpuMicros),
            BytesPerPacket = Math.Round(Math.Max(0, rounds.Min(r => r[2].Bytes - r[1].Bytes)), 2),
            Stalls = rounds.Sum(r => r.Sum(s => s.Stalls)),
        };
    }

    /// <summary>Each round without, then with 10 000 packets injected just before, as many of them outstanding as the circuit keeps.</summary>
    private async Task<LludpFigures> InjectedAsync(LludpFigures figures)
    {
        int outstanding = 0;
        bool inject = false;
        List<Stream[]> rounds = await RoundsAsync([_pump, _pump], async way =>
        {
            if (inject)
            {
                await way.Process!.AskAsync($"inject {Injected}");
                await StreamAsync(way, 200);
                outstanding = (await way.Process.AskAsync("unacked")).GetInt32();
            }

            inject = !inject;
            return await StreamAsync(way);
        });
        return figures with { RatioCpuInjected = Median(rounds, r => r[1].CpuMicros / r[0].CpuMicros), Outstanding = outstanding };
    }

    private async Task<LludpFigures> LatencyAsync(LludpFigures figures)
    {
        List<UdpEnd.PingPonged[]> rounds = await RoundsAsync(Ways, PingAsync, rounds: 3 * Rounds);
        return figures with
        {
            DirectP50Micros = Median(rounds, r => r[0].P50),
            DirectP99Micros = Median(rounds, r => r[0].P99),
            BareAddedP50Micros = Median(rounds, r => r[1].P50 - r[0].P50),
            BareAddedP99Micros = Median(rounds, r => r[1].P99 - r[0].P99),
            AddedP50Micros = Median(rounds, r => r[2].P50 - r[0].P50),
            AddedP99Micros = Median(rounds, r => r[2].P99 - r[0].P99),
        };
    }

    private async Task<LludpFigures> OpenLoopAsync(LludpFigures figures)
    {
        List<Steady[]> rounds = await RoundsAsync([_pump], way => SteadyAsync(way, OpenRate, 0), rounds: 3);
        return figures with { OpenLoopLost = rounds.Sum(r => r[0].Lost), OpenLoopPackets = rounds.Sum(r => r[0].Sent) };
    }

    private async Task<LludpFigures> CalmAsync(LludpFigures figures)
    {
        List<Steady[]> rounds = await RoundsAsync([_direct, _pump], way => SteadyAsync(way, CalmRate, CalmRate));
        return figures with
        {
            PacketsPerSecond = 2 * CalmRate,
            Packets = rounds.Sum(r => r[1].Sent),
            Lost = rounds.Sum(r => r[1].Lost),
            AddedMedianMicroseconds = Median(rounds, r => r[1].P50 - r[0].P50),
            AddedP99Microseconds = Median(rounds, r => r[1].P99 - r[0].P99),
            CpuMicrosecondsPerPacket = Median(rounds, r => r[1].CpuMicros),
        };
    }

    /// <summary>One way after the other, and that several times; so that what else the machine does falls on all of them.</summary>
    private static async Task<List<T[]>> RoundsAsync<T>(Way[] ways, Func<Way, Task<T>> measure, int rounds = Rounds)
    {
        var results = new List<T[]>();
        for (int round = 0; round < rounds; round++)
        {
            var row = new T[ways.Length];
            for (int i = 0; i < ways.Length; i++)
            {
                row[i] = await measure(ways[i]);
            }

            results.Add(row);
        }

        return results;
    }

    private static double Median<T>(IEnumerable<T> rounds, Func<T, double> figure) => Statistics.Median(rounds.Select(figure));

    private Task<Stream> StreamAsync(Way way) => StreamAsync(way, StreamMilliseconds);

    private async Task<Stream> StreamAsync(Way way, int milliseconds)
    {
        Usage? before = way.Process is null ? null : await way.Process.UsageAsync();
        var streamed = await _sim.AskAsync<UdpEnd.Streamed>($"stream {way.SimSendsTo} {milliseconds}");
        Usage? after = way.Process is null ? null : await way.Process.UsageAsync();
        double forwarded = streamed.Packets * (1 + (1.0 / UdpEnd.AckEvery));
        return new Stream(streamed.PerSecond, (after?.CpuMicroseconds - before?.CpuMicroseconds ?? 0) / forwarded,
            (after?.AllocatedBytes - before?.AllocatedBytes ?? 0) / forwarded, streamed.Stalls);
    }

    private Task<UdpEnd.PingPonged> PingAsync(Way way) => _sim.AskAsync<UdpEnd.PingPonged>($"ping {way.SimSendsTo} {Pings}");

    private async Task<Steady> SteadyAsync(Way way, int simRate, int viewerRate)
    {
        Usage? before = way.Process is null ? null : await way.Process.UsageAsync();
        Task sim = _sim.AskAsync($"steady {way.SimSendsTo} {simRate} {simRate}");
        Task viewer = viewerRate == 0 ? Task.CompletedTask : _viewer.AskAsync($"steady {way.ViewerSendsTo} {viewerRate} {viewerRate}");
        await Task.WhenAll(sim, viewer);
        Usage? after = way.Process is null ? null : await way.Process.UsageAsync();
        double[] latencies = [.. await _viewer.AskAsync<double[]>("latencies"), .. await _sim.AskAsync<double[]>("latencies")];
        int sent = simRate + viewerRate;
        return new Steady(sent, sent - latencies.Length, Statistics.Percentile(latencies, 50), Statistics.Percentile(latencies, 99),
            (after?.CpuMicroseconds - before?.CpuMicroseconds ?? 0) / sent);
    }
}
