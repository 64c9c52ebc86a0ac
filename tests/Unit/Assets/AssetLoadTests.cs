using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Tests.Assets;

/// <summary>Many requests at once, viewers that go away, headers nobody should send: counts and bounds, no times.</summary>
[Collection("load")]
public sealed class AssetLoadTests
{
    private const string Grid = "grid.example.org";

    private static readonly byte[] Texture = SyntheticAssets.Texture(1, 50_000, 512, 512);

    [Fact]
    public async Task T32_A_hundred_pipelined_requests_on_eight_connections_are_answered_in_order()
    {
        await using RelayHost host = await RelayHost.StartAsync();
        string path = new Uri(host.Cap("c", Grid)).AbsolutePath;
        (Guid Id, byte[] Bytes)[] assets = [.. Enumerable.Range(0, 10).Select(i => (Guid.NewGuid(), SyntheticAssets.Texture(i, 3_000 + (i * 5_000), 256, 256)))];
        foreach ((Guid id, byte[] bytes) in assets) await host.PutAsync(Grid, AssetType.Texture, id, bytes);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async connection =>
        {
            using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(host.EndPoint, TestContext.Current.CancellationToken);
            StringBuilder requests = new();
            for (int i = 0; i < 100; i++)
                requests.Append($"GET {path}/?texture_id={assets[(i + connection) % 10].Id} HTTP/1.1\r\nHost: {host.EndPoint}\r\nRange: bytes={i}-{i + 999}\r\n\r\n");
            await socket.SendAsync(Encoding.ASCII.GetBytes(requests.ToString()), TestContext.Current.CancellationToken);
            HttpAnswers answers = new(socket);
            for (int i = 0; i < 100; i++)
            {
                (string head, byte[] body) = await answers.NextAsync(TestContext.Current.CancellationToken);
                byte[] asset = assets[(i + connection) % 10].Bytes;
                Assert.StartsWith("HTTP/1.1 206", head);
                Assert.Contains($"Content-Range: bytes {i}-{i + 999}/{asset.Length}", head);
                Assert.Equal(asset[i..(i + 1000)], body);
            }
        }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_128_requests_at_once_none_fails(bool held)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        (Guid Id, byte[] Bytes)[] assets = [.. Enumerable.Range(0, 128).Select(i => SyntheticAssets.Texture(i, 20_000 + (i * 100), 256, 256)).Select(b => (origin.Add(b), b))];
        if (held) foreach ((Guid id, byte[] bytes) in assets) await host.PutAsync(Grid, AssetType.Texture, id, bytes);
        await Task.WhenAll(assets.Select(async asset => Assert.Equal(asset.Bytes, await host.BytesAsync($"{cap}/?texture_id={asset.Id}"))));
        Assert.Equal(held ? 0 : 128, origin.Requests.Count);
    }

    [Fact]
    public async Task Memory_stays_within_its_budget_however_many_assets_are_left_half_read()
    {
        const long Budget = 64 << 20;
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync(new() { AssemblyBytes = Budget, CompleteTextureUpToBytes = 0 });
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        byte[] large = SyntheticAssets.Texture(1, 4 << 20, 2048, 2048);
        Guid first = default;
        for (int i = 0; i < 40; i++)
        {
            Guid id = origin.Add(large);
            if (i == 0) first = id;
            Assert.Equal(large[..(2 << 20)], await host.BytesAsync($"{cap}/?texture_id={id}", $"bytes=0-{(2 << 20) - 1}"));
            Assert.InRange(host.Relay.Assembling.ReservedBytes, 1, Budget);
        }
        Assert.InRange(host.Relay.Assembling.Count, 20, 32);
        // The oldest was given up and is asked for anew; nothing of it is wrong.
        int before = origin.Requests.Count;
        Assert.Equal(large[100..200], await host.BytesAsync($"{cap}/?texture_id={first}", "bytes=100-199"));
        Assert.Equal(before + 1, origin.Requests.Count);

        host.Time.Advance(new ClientLimits().AssemblyLifetime + TimeSpan.FromMinutes(2));
        Assert.Equal((0, 0L), host.Relay.Assembling);
    }

    [Fact]
    public async Task When_memory_is_used_up_by_waiting_viewers_answers_are_passed_on_unkept()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync(new() { AssemblyBytes = 64 << 20, CompleteTextureUpToBytes = 0 });
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        byte[] large = SyntheticAssets.Texture(1, 15 << 20, 2048, 2048);
        TaskCompletionSource gate = new();
        origin.Otherwise = async context =>
        {
            // Headers at once, the body later: the memory for it is reserved.
            context.Response.ContentLength = large.Length;
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await gate.Task;
            await context.Response.Body.WriteAsync(large, context.RequestAborted);
            return true;
        };
        Task<byte[]>[] reading = [.. Enumerable.Range(0, 6).Select(_ => host.BytesAsync($"{cap}/?texture_id={Guid.NewGuid()}"))];
        await host.UntilAsync(() => origin.Requests.Count == 6 && host.Relay.Assembling.ReservedBytes > 4 * large.Length);
        Assert.InRange(host.Relay.Assembling.ReservedBytes, 4 * large.Length, 64 << 20);
        gate.SetResult();
        foreach (byte[] got in await Task.WhenAll(reading)) Assert.True(large.AsSpan().SequenceEqual(got));
        await host.UntilAsync(() => host.Relay.Assembling == (0, 0));
    }

    [Theory]
    [InlineData(200_000, 0, true)]
    [InlineData(400_000, 300_000, true)]
    [InlineData(400_000, 100_000, false)]
    public async Task A_viewer_that_goes_away_leaves_a_fetch_that_is_small_or_nearly_done(int length, int sent, bool finishes)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync(new() { CompleteTextureUpToBytes = 0 });
        byte[] asset = SyntheticAssets.Texture(1, length, 512, 512);
        Guid id = origin.Add(asset);
        TaskCompletionSource gate = new(), cancelled = new();
        origin.Otherwise = async context =>
        {
            context.RequestAborted.Register(() => cancelled.TrySetResult());
            context.Response.ContentLength = length;
            await context.Response.Body.WriteAsync(asset.AsMemory(0, sent), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.WhenAny(gate.Task, cancelled.Task);
            await context.Response.Body.WriteAsync(asset.AsMemory(sent), context.RequestAborted);
            return true;
        };
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        using (CancellationTokenSource leave = new())
        {
            using HttpRequestMessage request = new(HttpMethod.Get, url);
            Task<HttpResponseMessage> asking = host.Viewer.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leave.Token);
            if (sent == 0) await host.UntilAsync(() => host.Relay.Assembling.ReservedBytes > length);
            else
            {
                using HttpResponseMessage answer = await asking;
                await (await answer.Content.ReadAsStreamAsync(leave.Token)).ReadExactlyAsync(new byte[sent], leave.Token);
            }
            await leave.CancelAsync();
            if (sent == 0) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        }
        await host.UntilAsync(() => host.Relay.Waiting == 0);
        if (!finishes)
        {
            await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.Null(host.Store.TryOpen(new AssetKey(Grid, AssetType.Texture, id)));
            return;
        }
        gate.SetResult();
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, asset));
        Assert.False(cancelled.Task.IsCompleted);
    }

    [Fact]
    public async Task Random_range_headers_bring_exact_bytes_or_the_whole_and_never_an_error()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync(new() { CompleteTextureUpToBytes = 0 });
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        Guid held = origin.Add(Texture);
        await host.PutAsync(Grid, AssetType.Texture, held, Texture);
        await Gen.String[Gen.Char["bytes=0123456789-, "], 0, 24].SampleAsync(async range =>
        {
            foreach (Guid id in (Guid[])[held, origin.Add(Texture)])
            {
                using HttpResponseMessage answer = await host.GetAsync($"{cap}/?texture_id={id}", range.Length % 2 == 0 ? "bytes=" + range : range);
                byte[] body = await RelayHost.BodyAsync(answer);
                if (answer.StatusCode == HttpStatusCode.OK) Assert.Equal(Texture, body);
                else
                {
                    Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
                    int from = (int)answer.Content.Headers.ContentRange!.From!.Value;
                    Assert.Equal(Texture[from..(from + body.Length)], body);
                }
            }
        }, iter: 300, threads: 1);
    }
}
