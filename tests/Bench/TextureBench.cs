namespace GlobalCache.Bench;

/// <summary>One manner of reading and acking, median of the rounds.</summary>
/// <param name="FrameMillis">Read once in so many; 0: at once.</param>
/// <param name="AckMillis">Acks collected for so long; 0: not at all.</param>
/// <param name="Millis">From the request to the last byte, in a new session.</param>
/// <param name="SecondMillis">The next texture of the same session.</param>
/// <param name="WorstMillis">Of all rounds, first and second textures.</param>
/// <param name="ResentPercent">Packets that came as resends, of all rounds.</param>
/// <param name="CpuMicrosPerPacket">The pump's process.</param>
/// <param name="Right">Every byte of every texture was as it should be.</param>
public sealed record TextureFigures(
    int FrameMillis, int AckMillis, double Millis, double SecondMillis, double WorstMillis, double ResentPercent, double CpuMicrosPerPacket, bool Right);

/// <summary>A texture of 1 MB from the proxy's memory to a viewer with the receive buffer the system gives by default.</summary>
internal static class TextureBench
{
    private const int Rounds = 7;

    private static readonly (int FrameMillis, int AckMillis)[] s_manners = [(0, 0), (0, 100), (22, 0), (22, 100)];

    public static async Task<IReadOnlyList<TextureFigures>> RunAsync()
    {
        await using ToldProcess sim = await ToldProcess.StartAsync(UdpEnd.Verb, "sim");
        await using ToldProcess pump = await ToldProcess.StartAsync(PumpProcess.Verb, $"{sim.Port}", PumpProcess.Assets);
        await using ToldProcess viewer = await ToldProcess.StartAsync(TextureViewer.Verb);

        async Task<(TextureViewer.Fetched First, TextureViewer.Fetched Second, double Cpu)> SessionAsync(int frame, int ack)
        {
            await viewer.AskAsync($"open {pump.Port}");
            int upstream = (await sim.AskAsync("accept")).GetInt32();
            await sim.AskAsync($"greet {upstream}");
            await viewer.AskAsync("greeted");
            double cpu = (await pump.UsageAsync()).CpuMicroseconds;
            var first = await viewer.AskAsync<TextureViewer.Fetched>($"fetch {frame} {ack}");
            var second = await viewer.AskAsync<TextureViewer.Fetched>($"fetch {frame} {ack}");
            return (first, second, (await pump.UsageAsync()).CpuMicroseconds - cpu);
        }

        // Until everything is compiled that will be.
        for (int i = 0; i < 3; i++)
        {
            await SessionAsync(0, 0);
        }

        var figures = new List<TextureFigures>();
        foreach ((int frame, int ack) in s_manners)
        {
            var sessions = new List<(TextureViewer.Fetched First, TextureViewer.Fetched Second, double Cpu)>();
            for (int i = 0; i < Rounds; i++)
            {
                sessions.Add(await SessionAsync(frame, ack));
            }

            TextureViewer.Fetched[] all = [.. sessions.Select(s => s.First), .. sessions.Select(s => s.Second)];
            double packets = all.Sum(f => f.Packets);
            figures.Add(new TextureFigures(frame, ack, Statistics.Median(sessions.Select(s => s.First.Millis)), Statistics.Median(sessions.Select(s => s.Second.Millis)),
                all.Max(f => f.Millis), 100 * all.Sum(f => f.Resent) / packets, sessions.Sum(s => s.Cpu) / packets, all.All(f => f.Right)));
        }

        return figures;
    }
}
