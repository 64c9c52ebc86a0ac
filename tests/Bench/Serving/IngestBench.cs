using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Office.Enrolment;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Bench.Serving;

/// <summary>
/// How many new assets a node takes in on one core: claimed in batches, agreed on by one word, then sent one by one with their signatures over TLS;
/// checked, probed for compression, sealed and written to the folder. The load is a process on the other core (<c>bench load-ingest FOLDER ADDRESS INVITE COUNT</c>).
/// </summary>
internal static class IngestBench
{
    public const string Verb = "load-ingest";

    private const int AtOnce = 16;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    public static async Task<IngestFigures> RunAsync(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(NodeServer.Requests(folder), "");
        await using PinnedProcess node = PinnedProcess.StartSelf(PinnedProcess.ServersCore, NodeServer.Verb, folder, "512000000");
        string[] at = (await node.ReadyAsync(l => l.StartsWith("listening", StringComparison.Ordinal))).Split(' ');
        TimeSpan before = node.Cpu;
        IngestLoad load = await LoadAsync(folder, at[1], at[3], count);
        return new IngestFigures(count / load.Seconds, (node.Cpu - before).TotalMicroseconds / count, load.Stored == count);
    }

    /// <summary>The load's side.</summary>
    public static async Task LoadAsync(string folder, string address, string invite, int count, TextWriter output)
    {
        using GridMember member = await GridMember.JoinAsync(GridFolder.Open(folder).File, address, invite);
        (AssetKey Key, byte[] Bytes, string Signature)[] assets = [.. Enumerable.Range(0, count).Select(i =>
        {
            AssetKey asset = SampleAssets.Key(i);
            byte[] bytes = SampleAssets.Bytes(i);
            return (asset, bytes, member.Sign("PUT", NodeApi.PathOf(asset), bytes));
        })];
        long began = Stopwatch.GetTimestamp();
        foreach ((AssetKey Key, byte[] Bytes, string Signature)[] batch in assets.Chunk(ClaimBatch.MaxLines))
        {
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(new ClaimBatch { Lines = [.. batch.Select(a => Line(a.Key, a.Bytes))] }, s_json);
            using HttpResponseMessage answer = await member.SendAsync(HttpMethod.Post, NodeApi.Claims, body, member.Sign("POST", NodeApi.Claims, body));
            if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"A claim was answered {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}.");
        }
        int stored = 0;
        await Parallel.ForEachAsync(assets, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (asset, _) =>
        {
            using HttpResponseMessage answer = await member.SendAsync(HttpMethod.Put, NodeApi.PathOf(asset.Key), asset.Bytes, asset.Signature);
            if (answer.StatusCode == HttpStatusCode.NoContent) Interlocked.Increment(ref stored);
        });
        await output.WriteLineAsync(JsonSerializer.Serialize(new IngestLoad(stored, Stopwatch.GetElapsedTime(began).TotalSeconds)));
    }

    private static async Task<IngestLoad> LoadAsync(string folder, string address, string invite, int count)
    {
        await using PinnedProcess load = PinnedProcess.StartSelf(PinnedProcess.LoadsCore, Verb, folder, address, invite, count.ToString(CultureInfo.InvariantCulture));
        return JsonSerializer.Deserialize<IngestLoad>(await load.OutputAsync())!;
    }

    private static ClaimLine Line(AssetKey key, byte[] bytes) => new()
    {
        Grid = key.GridId,
        Type = key.Type.Name(),
        Id = key.Id,
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        Length = bytes.Length,
        Origin = SampleAssets.Authority,
    };

    private sealed record IngestLoad(int Stored, double Seconds);
}

/// <summary>Assets a second, claims included; CPU of the node an asset; whether all were stored.</summary>
internal sealed record IngestFigures(double PerSecond, double CpuMicroseconds, bool Right);
