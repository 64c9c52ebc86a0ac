namespace GlobalCache.Bench;

/// <summary>What <c>-- lludp</c> measures. Medians of rounds that were run in turn: direct, bare forwarder, pump.</summary>
public sealed record LludpFigures
{
    /// <summary>S→V packets of 1 027 bytes a second, window 32, with nothing between.</summary>
    public double DirectPps { get; init; }

    /// <summary>The same through the bare forwarder.</summary>
    public double BarePps { get; init; }

    /// <summary>The same through the pump.</summary>
    public double PumpPps { get; init; }

    /// <summary>Pump to bare forwarder, round by round; to reach: ≥ 0.85.</summary>
    public double RatioPps { get; init; }

    /// <summary>CPU of the bare forwarder's process per packet it forwarded, acks included.</summary>
    public double BareCpuMicros { get; init; }

    /// <summary>CPU of the pump's process per packet it forwarded, acks included.</summary>
    public double PumpCpuMicros { get; init; }

    /// <summary>Pump to bare forwarder, round by round; to reach: ≤ 1.25.</summary>
    public double RatioCpu { get; init; }

    /// <summary>CPU per packet with 10 000 packets injected just before, as many of them unacked as a circuit keeps, to that without; to reach: 1.</summary>
    public double RatioCpuInjected { get; init; }

    /// <summary>How many injected packets were outstanding in these rounds.</summary>
    public int Outstanding { get; init; }

    /// <summary>Allocated in the pump's process, above the bare forwarder's; the quietest round. To reach: 0.</summary>
    public double BytesPerPacket { get; init; }

    /// <summary>A packet there and its answer back, direct.</summary>
    public double DirectP50Micros { get; init; }

    /// <summary>A packet there and its answer back, direct.</summary>
    public double DirectP99Micros { get; init; }

    /// <summary>What the bare forwarder adds, both ways together.</summary>
    public double BareAddedP50Micros { get; init; }

    /// <summary>What the bare forwarder adds, both ways together.</summary>
    public double BareAddedP99Micros { get; init; }

    /// <summary>What the pump adds, both ways together; to reach: no more than the bare forwarder + 3.</summary>
    public double AddedP50Micros { get; init; }

    /// <summary>What the pump adds, both ways together; to reach: no more than the bare forwarder + 3.</summary>
    public double AddedP99Micros { get; init; }

    /// <summary>Of <see cref="OpenLoopPackets"/> at 50 000 a second; to reach: 0.</summary>
    public int OpenLoopLost { get; init; }

    /// <summary>Sent in the open loop, all rounds.</summary>
    public int OpenLoopPackets { get; init; }

    /// <summary>Rate of the calm load (T16), half each way.</summary>
    public int PacketsPerSecond { get; init; }

    /// <summary>Sent through the pump at that rate, all rounds.</summary>
    public int Packets { get; init; }

    /// <summary>Of these, not received.</summary>
    public int Lost { get; init; }

    /// <summary>One way at that rate, from before the send to after the receive, above direct; to reach: &lt; 1 000.</summary>
    public double AddedMedianMicroseconds { get; init; }

    /// <summary>One way at that rate, above direct; to reach: &lt; 5 000.</summary>
    public double AddedP99Microseconds { get; init; }

    /// <summary>The pump's process, above its idle use.</summary>
    public double CpuMicrosecondsPerPacket { get; init; }

    /// <summary>Of one core, one open circuit on which nothing is sent.</summary>
    public double IdleCpuPercent { get; init; }

    /// <summary>Rounds in which something was lost where nothing may be.</summary>
    public int Stalls { get; init; }

    /// <summary>1 MB injected, in each manner a viewer may read and ack.</summary>
    public IReadOnlyList<TextureFigures> Textures { get; init; } = [];

    /// <summary>The first 1 MB of a session to a viewer that reads at once and acks what it has read; to reach: &lt; 250.</summary>
    public double Injected1MbMillis => Textures.Where(t => t is { FrameMillis: 0, AckMillis: 0 }).Select(t => t.Millis).SingleOrDefault();

    /// <summary>The same to the viewer that is slowest to read and to ack.</summary>
    public double Injected1MbSlowestMillis => Textures.Select(t => t.Millis).DefaultIfEmpty().Max();

    /// <summary>Resends among the injected packets, worst manner; to reach: &lt; 0.1.</summary>
    public double Injected1MbResentPercent => Textures.Select(t => t.ResentPercent).DefaultIfEmpty().Max();

    /// <summary>For people.</summary>
    public string ToTable() => $"""
        what                                       direct       bare       pump      ratio   to reach
        S→V packets/s, 1 027 bytes, window 32   {DirectPps,9:0}  {BarePps,9:0}  {PumpPps,9:0}  {RatioPps,9:0.00}   ≥ 0.85
        CPU per forwarded packet, µs                    –  {BareCpuMicros,9:0.00}  {PumpCpuMicros,9:0.00}  {RatioCpu,9:0.00}   ≤ 1.25
          with 10 000 injected, {Outstanding,5} outstanding         –          –          –  {RatioCpuInjected,9:0.00}   1
        bytes allocated per packet                      –          –  {BytesPerPacket,9:0.00}          –   0
        there and back, p50, added, µs          {DirectP50Micros,9:0.0}  {BareAddedP50Micros,9:0.0}  {AddedP50Micros,9:0.0}  {AddedP50Micros - BareAddedP50Micros,9:+0.0;-0.0}   ≤ +3
        there and back, p99, added, µs          {DirectP99Micros,9:0.0}  {BareAddedP99Micros,9:0.0}  {AddedP99Micros,9:0.0}  {AddedP99Micros - BareAddedP99Micros,9:+0.0;-0.0}   ≤ +3
        lost at 50 000/s                                –          –  {OpenLoopLost,9}  {OpenLoopPackets,9}   0
        at {PacketsPerSecond}/s, one way, added: median {AddedMedianMicroseconds:0} µs, p99 {AddedP99Microseconds:0} µs, {Lost} of {Packets} lost, {CpuMicrosecondsPerPacket:0} µs CPU a packet
        idle: {IdleCpuPercent:0.00} % of a core{(Stalls > 0 ? $"; {Stalls} STALLS" : "")}
        1 MB injected, 208 KB receive buffer; to reach: < 250 ms, < 0.1 % resent
        {string.Join("\n", Textures.Select(t =>
            $"  read {(t.FrameMillis > 0 ? $"every {t.FrameMillis} ms" : "at once    ")}, acked {(t.AckMillis > 0 ? $"after {t.AckMillis} ms" : "when read    ")}  {t.Millis,5:0} ms, the next {t.SecondMillis,5:0} ms, worst {t.WorstMillis,5:0} ms, {t.ResentPercent:0.00} % resent, {t.CpuMicrosPerPacket:0.0} µs CPU a packet{(t.Right ? "" : "   WRONG")}"))}
        """;
}
