using System.Globalization;
using System.Text.Json;

namespace GlobalCache.Bench.Serving;

/// <summary>One server that is measured.</summary>
internal sealed record Contestant(string Name, string Url, PinnedProcess Server);

/// <summary>What one turn gave.</summary>
/// <param name="Requests">Answered.</param>
/// <param name="CpuMicroseconds">The server's, a request.</param>
/// <param name="PerSecond">Requests.</param>
/// <param name="MedianMicroseconds">From request to the last byte.</param>
/// <param name="P99Microseconds">As above.</param>
/// <param name="Wrong">Answers that were none, or not 200.</param>
internal sealed record Turn(long Requests, double CpuMicroseconds, double PerSecond, double MedianMicroseconds, double P99Microseconds, long Wrong);

/// <summary>The load: wrk on the core the servers do not have, each request of a file in turn, with the header a node asks for.</summary>
internal sealed class Wrk(string script, string requests)
{
    private const string Script = """
        local prepared, at = {}, 0
        function init(args)
          for line in io.lines(args[1]) do
            local path, token = line:match("(%S+) (%S+)")
            wrk.headers["Authorization"] = "Bearer " .. token
            prepared[#prepared + 1] = wrk.format("GET", path)
          end
        end
        function request()
          at = at % #prepared + 1
          return prepared[at]
        end
        function done(summary, latency)
          local e = summary.errors
          io.write(string.format('\n{"requests":%d,"microseconds":%d,"median":%d,"p99":%d,"wrong":%d}\n', summary.requests, summary.duration,
            latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
        end
        """;

    public static Wrk Prepare(string folder)
    {
        string script = Path.Combine(folder, "load.lua");
        File.WriteAllText(script, Script);
        return new Wrk(script, NodeServer.Requests(folder));
    }

    public async Task<Turn> RunAsync(Contestant contestant, int connections, double seconds)
    {
        TimeSpan before = contestant.Server.Cpu;
        await using PinnedProcess wrk = PinnedProcess.Start(PinnedProcess.LoadsCore, "wrk", "-t1", $"-c{connections}",
            string.Create(CultureInfo.InvariantCulture, $"-d{seconds:0}s"), "-s", script, contestant.Url, "--", requests);
        string output = await wrk.OutputAsync();
        JsonElement said = JsonDocument.Parse(output[output.LastIndexOf('{')..]).RootElement;
        long answered = said.GetProperty("requests").GetInt64();
        return new Turn(answered, (contestant.Server.Cpu - before).TotalMicroseconds / answered, answered / (said.GetProperty("microseconds").GetDouble() / 1e6),
            said.GetProperty("median").GetDouble(), said.GetProperty("p99").GetDouble(), said.GetProperty("wrong").GetInt64());
    }
}
