using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Bench;

/// <summary>Memory and CPU of a client with one idle circuit, against a bare Kestrel of the same run.</summary>
internal static class IdleBench
{
    public static async Task<IdleFigures> RunAsync(TimeSpan settle, TimeSpan watch)
    {
        await using StandInGrid grid = await StandInGrid.StartAsync();
        await using ServerProcess bare = await ServerProcess.StartAsync(
            "GlobalCache.Bench.dll", [BareKestrel.Verb, "1024"], line => line.StartsWith("listening", StringComparison.Ordinal));
        using (var http = new HttpClient()) await http.GetByteArrayAsync(new Uri(bare.Ready.Split(' ')[1]));
        await using ClientProcess client = await ClientProcess.StartAsync("--login-uri", grid.LoginUri.AbsoluteUri);
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(client.Uri);
        await Task.Delay(settle);
        TimeSpan cpu = client.Server.Cpu;
        await Task.Delay(watch);
        return new IdleFigures(bare.Resident, client.Server.Resident, (client.Server.Cpu - cpu) / watch);
    }
}

/// <summary>Resident bytes, and the share of one core.</summary>
internal sealed record IdleFigures(long BareResident, long ClientResident, double CpuShare);
