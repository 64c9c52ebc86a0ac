using System.Net;
using System.Text;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Assets;

/// <summary>Grids that break off, lie and fail: never a wrong byte, never a short 206, never a 4xx of our own.</summary>
public sealed class AssetFaultTests
{
    private const string Grid = "grid.example.org";

    private static readonly byte[] Texture = SyntheticAssets.Texture(1, 50_000, 512, 512);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10_000)]
    public async Task T35_A_body_that_breaks_off_never_becomes_a_short_answer(int sent)
    {
        await using RawOrigin origin = new((n, _) => n == 0
            ? ("HTTP/1.1 206 Partial Content\nContent-Length: 16792\nContent-Range: bytes 0-16791/50000", Texture[..sent], true)
            : ("HTTP/1.1 206 Partial Content\nContent-Length: 16792\nContent-Range: bytes 0-16791/50000", Texture[..16_792], false));
        await using RelayHost host = await RelayHost.StartAsync(new() { CompleteTextureUpToBytes = 0 });
        Guid id = Guid.NewGuid();
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        try
        {
            using HttpResponseMessage answer = await host.GetAsync(url, "bytes=0-16791");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal("5", answer.Headers.RetryAfter?.ToString());
        }
        catch (HttpRequestException)
        {
            Assert.True(sent > 0, "With nothing sent there was time for a 503.");
        }
        await host.UntilAsync(() => host.Relay.Assembling == (0, 0));
        Assert.Null(host.Store.TryOpen(new AssetKey(Grid, AssetType.Texture, id)));
        Assert.Equal(Texture[..16_792], await host.BytesAsync(url, "bytes=0-16791"));
    }

    [Fact]
    public async Task T35_Nothing_of_a_broken_whole_is_stored_and_the_next_request_starts_anew()
    {
        await using RawOrigin origin = new((n, _) => ("HTTP/1.1 200 OK\nContent-Length: 50000", n == 0 ? Texture[..49_999] : Texture, n == 0));
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = Guid.NewGuid();
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => host.BytesAsync(url));
        await host.PassAsync(TimeSpan.FromSeconds(10));
        Assert.Null(host.Store.TryOpen(new AssetKey(Grid, AssetType.Texture, id)));
        Assert.Equal(1, origin.Requests);
        Assert.Equal(Texture, await host.BytesAsync(url));
    }

    [Theory]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600\nContent-Range: bytes 600-1199/50000")]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600\nContent-Range: bytes 0-599/600000000")]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600\nContent-Range: bytes 0-1199/50000")]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600\nContent-Range: bytes 0-599/*")]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600\nContent-Range: bytes 599-0/50000")]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600\nContent-Range: bytes 0-599/300")]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600\nContent-Range: what")]
    [InlineData("HTTP/1.1 206 Partial Content\nContent-Length: 600")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 600\nContent-Encoding: gzip")]
    [InlineData("HTTP/1.1 302 Found\nContent-Length: 600\nLocation: http://elsewhere.example.org/x")]
    [InlineData("HTTP/1.1 416 Range Not Satisfiable\nContent-Length: 600")]
    [InlineData("HTTP/1.1 429 Too Many Requests\nContent-Length: 600\nRetry-After: 7")]
    public async Task An_answer_that_cannot_be_joined_is_passed_on_as_it_is_and_kept_nowhere(string head)
    {
        await using RawOrigin origin = new((_, _) => (head, Texture[..600], false));
        await using RelayHost host = await RelayHost.StartAsync();
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={Guid.NewGuid()}";
        using HttpResponseMessage answer = await host.GetAsync(url, "bytes=0-599");
        Assert.Equal(int.Parse(head[9..12]), (int)answer.StatusCode);
        foreach (string line in head.Split('\n').Skip(1))
        {
            string[] header = line.Split(": ");
            Assert.True(answer.Headers.NonValidated.TryGetValues(header[0], out var values) || answer.Content.Headers.NonValidated.TryGetValues(header[0], out values));
            Assert.Equal(header[1], values.ToString());
        }
        Assert.Equal(Texture[..600], await RelayHost.BodyAsync(answer));
        await host.PassAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(1, origin.Requests);
        host.Time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal((0, 0L), host.Relay.Assembling);
    }

    [Fact]
    public async Task An_answer_that_is_no_HTTP_is_a_503_and_is_quoted_in_no_log()
    {
        await using RawOrigin origin = new((_, _) => ("HTTP/1.1 200 OK\nSet-Cookie " + SecretWatch.Mark, [], true));
        await using RelayHost host = await RelayHost.StartAsync();
        using HttpResponseMessage answer = await host.GetAsync(host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={Guid.NewGuid()}", "bytes=0-599");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    [Fact]
    public async Task An_answer_of_unknown_length_is_streamed_and_not_kept()
    {
        await using RawOrigin origin = new((_, _) => ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", [.. "258\r\n"u8, .. Texture[..600], .. "\r\n0\r\n\r\n"u8], false));
        await using RelayHost host = await RelayHost.StartAsync();
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={Guid.NewGuid()}";
        Assert.Equal(Texture[..600], await host.BytesAsync(url));
        Assert.Equal(Texture[..600], await host.BytesAsync(url));
        Assert.Equal(2, origin.Requests);
    }

    [Theory]
    [InlineData(500, null, 5)]
    [InlineData(502, null, 5)]
    [InlineData(503, "3", 3)]
    [InlineData(503, "600", 29)]
    [InlineData(599, "Sun, 22 Nov 2026 19:00:00 GMT", 5)]
    public async Task A_grid_in_trouble_is_a_503_that_viewers_try_again(int status, string? retryAfter, int told)
    {
        await using RawOrigin origin = new((_, _) => ($"HTTP/1.1 {status} Trouble\nContent-Length: 3" + (retryAfter is null ? "" : $"\nRetry-After: {retryAfter}"), "bad"u8.ToArray(), false));
        await using RelayHost host = await RelayHost.StartAsync();
        using HttpResponseMessage answer = await host.GetAsync(host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={Guid.NewGuid()}", "bytes=0-599");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal(told.ToString(), answer.Headers.RetryAfter?.ToString());
    }

    [Theory]
    [InlineData("?texture_id={0}")]
    [InlineData("?texture_id={0}&format=png")]
    public async Task A_grid_that_cannot_be_reached_is_a_503(string query)
    {
        await using RelayHost host = await RelayHost.StartAsync();
        Uri gone;
        await using (RawOrigin origin = new((_, _) => ("", [], true))) gone = origin.Url;
        string url = host.Cap("c", Grid, new Uri(gone, "/cap")) + "/" + string.Format(query, Guid.NewGuid());
        using HttpResponseMessage answer = await host.GetAsync(url);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("5", answer.Headers.RetryAfter?.ToString());
    }

    [Fact]
    public async Task A_source_without_any_origin_is_a_503()
    {
        await using RelayHost host = await RelayHost.StartAsync();
        using HttpResponseMessage answer = await host.GetAsync(host.Cap("c", Grid) + $"/?texture_id={Guid.NewGuid()}");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    [Fact]
    public async Task A_total_that_changes_starts_the_asset_anew_and_the_viewer_gets_what_the_grid_gives()
    {
        byte[] other = SyntheticAssets.Texture(4, 40_000, 512, 512);
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync(new() { CompleteTextureUpToBytes = 0 });
        Guid id = origin.Add(Texture);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        Assert.Equal(Texture[..600], await host.BytesAsync(url, "bytes=0-599"));
        origin.Add(other, id);
        Assert.Equal(other[599..16_792], await host.BytesAsync(url, "bytes=599-16791"));
        Assert.Equal(["bytes=0-599", "bytes=600-16791", "bytes=599-16791"], origin.Requests.Select(r => r.Range));
        Assert.Equal(other, await host.BytesAsync(url));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, other));
    }

    [Fact]
    public async Task A_byte_that_differs_from_one_already_held_keeps_the_asset_out_of_the_store()
    {
        byte[] other = (byte[])Texture.Clone();
        other[700] ^= 1;
        int asked = 0;
        // The host ignores the second range: the bytes from 0 come a second time.
        await using RawOrigin origin = new((n, _) => Interlocked.Increment(ref asked) == 1
            ? ("HTTP/1.1 206 Partial Content\nContent-Length: 1000\nContent-Range: bytes 0-999/50000", Texture[..1000], false)
            : ("HTTP/1.1 200 OK\nContent-Length: 50000", other, false));
        await using RelayHost host = await RelayHost.StartAsync(new() { CompleteTextureUpToBytes = 0 });
        Guid id = Guid.NewGuid();
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        Assert.Equal(Texture[..1000], await host.BytesAsync(url, "bytes=0-999"));
        Assert.Equal(other[999..], await host.BytesAsync(url, "bytes=999-"));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, other));
    }

    [Theory]
    [InlineData("<html><body>Please log in</body></html>")]
    [InlineData("{}")]
    public async Task What_is_no_asset_reaches_the_viewer_and_is_not_kept(string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(bytes);
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        foreach (string name in (string[])["texture_id", "sound_id", "animatn_id", "mesh_id"])
        {
            Assert.Equal(bytes, await host.BytesAsync($"{cap}/?{name}={id}"));
            await host.UntilAsync(() => host.Relay.Assembling == (0, 0));
            Assert.Equal(bytes, await host.BytesAsync($"{cap}/?{name}={id}"));
        }
        Assert.Equal(8, origin.Requests.Count);
        foreach (AssetType type in Enum.GetValues<AssetType>()) Assert.Null(host.Store.TryOpen(new AssetKey(Grid, type, id)));
    }

    [Fact]
    public async Task A_texture_asked_for_as_a_sound_is_not_kept_as_a_sound()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        Assert.Equal(Texture, await host.BytesAsync($"{cap}/?sound_id={id}"));
        await host.UntilAsync(() => host.Relay.Assembling == (0, 0));
        Assert.Null(host.Store.TryOpen(new AssetKey(Grid, AssetType.Sound, id)));
    }

    [Fact]
    public async Task A_stand_in_picture_is_kept_under_its_own_uuid_only()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid own = origin.Add(Texture, new Guid("5748decc-f629-461c-9a36-a35a221fe21f")), foreign = origin.Add(Texture);
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        Assert.Equal(Texture, await host.BytesAsync($"{cap}/?texture_id={own}"));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, own, Texture));
        Assert.Equal(Texture, await host.BytesAsync($"{cap}/?texture_id={foreign}"));
        await host.UntilAsync(() => host.Relay.Assembling == (0, 0));
        Assert.Null(host.Store.TryOpen(new AssetKey(Grid, AssetType.Texture, foreign)));
    }

    [Fact]
    public async Task A_baked_texture_is_dropped_when_it_is_seen_and_never_kept_again()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid baked = origin.Add(Texture), unbaked = origin.Add(Texture, new Guid("c228d1cf-4b5d-4ba8-84f4-899a0796aa97"));
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        foreach (Guid id in (Guid[])[baked, unbaked])
        {
            await host.BytesAsync($"{cap}/?texture_id={id}");
            await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, Texture));
            host.Exclusions.Add(id, Grid);
        }
        Assert.Null(host.Store.TryOpen(new AssetKey(Grid, AssetType.Texture, baked)));
        Assert.True(await host.HoldsAsync(Grid, AssetType.Texture, unbaked, Texture));
        for (int i = 0; i < 2; i++) Assert.Equal(Texture, await host.BytesAsync($"{cap}/?texture_id={baked}"));
        Assert.Equal(4, origin.Requests.Count);
        Assert.Null(host.Store.TryOpen(new AssetKey(Grid, AssetType.Texture, baked)));
    }

    [Fact]
    public async Task Assets_asked_for_before_the_region_has_told_its_grid_are_kept_when_it_has()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        TaskCompletionSource<string> told = new();
        string url = host.Cap("c", host, told.Task, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        Assert.Equal(Texture, await host.BytesAsync(url));
        Assert.Equal(Texture[5..10], await host.BytesAsync(url, "bytes=5-9"));
        Assert.Single(origin.Requests);
        told.SetResult(Grid);
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, Texture));
        Assert.Equal(Texture, await host.BytesAsync(url));
        Assert.Single(origin.Requests);
    }

    [Fact]
    public async Task A_grid_that_falls_silent_is_a_503_in_bounded_time()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        TaskCompletionSource never = new();
        origin.Gate = _ => never.Task;
        Task<HttpResponseMessage> asking = host.GetAsync(host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={origin.Add(Texture)}");
        await host.UntilAsync(() => origin.Requests.Count == 1);
        await host.UntilAsync(() => asking.IsCompleted, tick: new ClientLimits().AssetAnswerTimeout / 4);
        using HttpResponseMessage answer = await asking;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        never.SetResult();
    }
}
