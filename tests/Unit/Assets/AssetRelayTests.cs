using System.Net;
using System.Text;
using GlobalCache.Client.Assets;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Tests.Assets;

/// <summary>PROTOCOL §10, HTTP assets, over real sockets: viewer, relay, asset host.</summary>
public sealed class AssetRelayTests
{
    private const string Grid = "grid.example.org";

    private static readonly byte[] Texture = SyntheticAssets.Texture(1, 50_000, 512, 512);

    [Theory]
    [InlineData("/?texture_id={0}", "")]
    [InlineData("?texture_id={0}", "")]
    [InlineData("/?texture_id={0}", "?sig=a%2Fb")]
    public async Task T29_The_grid_is_asked_in_the_viewers_words_and_the_caps_query_is_kept(string form, string capQuery)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap" + capQuery));
        string asked = string.Format(form, id.ToString().ToUpperInvariant());

        Assert.Equal(Texture, await host.BytesAsync(cap + asked));

        int mark = asked.IndexOf('?');
        string expected = capQuery.Length == 0 ? "/cap" + asked : $"/cap{asked[..mark]}{capQuery}&{asked[(mark + 1)..]}";
        Assert.Equal(expected, Assert.Single(origin.Requests).Target);
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, Texture));
        Assert.Equal(Texture, await host.BytesAsync($"{cap}/?texture_id={id}"));
        Assert.Single(origin.Requests);
    }

    [Theory]
    [InlineData("bytes=0-599", 206, 0, 600)]
    [InlineData("bytes=599-16791", 206, 599, 16792)]
    [InlineData("bytes=49999-60000", 206, 49_999, 50_000)]
    [InlineData("bytes=599-", 206, 599, 50_000)]
    [InlineData("bytes=50000-", 200, 0, 50_000)]
    [InlineData("bytes=50001-60000", 200, 0, 50_000)]
    [InlineData("bytes=-500", 200, 0, 50_000)]
    [InlineData("bytes=9-3", 200, 0, 50_000)]
    [InlineData("bytes=0-1,5-6", 200, 0, 50_000)]
    [InlineData("nonsense", 200, 0, 50_000)]
    [InlineData(null, 200, 0, 50_000)]
    public async Task T30_A_hit_answers_as_the_table_says(string? range, int status, int start, int end)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        await host.PutAsync(Grid, AssetType.Texture, id, Texture);

        foreach (HttpMethod method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
        {
            using HttpResponseMessage answer = await host.GetAsync(url, range, method);
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Equal(end - start, answer.Content.Headers.ContentLength);
            Assert.Equal(status == 206 ? $"bytes {start}-{end - 1}/50000" : null, answer.Content.Headers.ContentRange?.ToString());
            Assert.Equal("image/x-j2c", answer.Content.Headers.ContentType?.ToString());
            Assert.Equal("bytes", answer.Headers.AcceptRanges.ToString());
            Assert.Equal("private", answer.Headers.CacheControl?.ToString());
            Assert.Null(answer.Headers.ETag);
            Assert.Empty(answer.Content.Headers.ContentEncoding);
            Assert.Equal(method == HttpMethod.Get ? Texture[start..end] : [], await RelayHost.BodyAsync(answer));
        }
        Assert.Empty(origin.Requests);
    }

    [Theory]
    [InlineData(50_000, 40_000, null, 1)]
    [InlineData(50_000, 40_000, "bytes=39000-41000", 1)]
    [InlineData(50_000, 40_000, "bytes=0-599", 0)]
    [InlineData(3 << 20, 5 << 19, null, 1)]
    public async Task A_damaged_entry_is_fetched_again_and_nothing_wrong_is_sent(int length, int damaged, string? range, int requests)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        byte[] texture = SyntheticAssets.Texture(1, length, 512, 512);
        Guid id = origin.Add(texture);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        await host.PutAsync(Grid, AssetType.Texture, id, texture);
        host.DamageStore(damaged);

        ByteRange asked = ByteRange.Parse(range);
        Interval bytes = asked.Of(length).Bytes;
        Assert.Equal(texture[(int)bytes.Start..(int)bytes.End], await host.BytesAsync(url, range));
        Assert.Equal(requests, origin.Requests.Count);
        // Of a long asset only what could not be read is asked for.
        if (length > 1 << 20) Assert.Equal($"bytes={2 << 20}-{length - 1}", origin.Requests.Single().Range);
    }

    [Theory]
    [InlineData("bytes=0-599", 206, 0, 600)]
    [InlineData("bytes=40000-60000", 206, 40_000, 50_000)]
    [InlineData("bytes=599-", 206, 599, 50_000)]
    [InlineData("bytes=50000-", 200, 0, 50_000)]
    [InlineData("bytes=-500", 200, 0, 50_000)]
    [InlineData("bytes=0-1,5-6", 200, 0, 50_000)]
    [InlineData("nonsense", 200, 0, 50_000)]
    public async Task T30_A_miss_brings_the_grids_answer(string range, int status, int start, int end)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        using HttpResponseMessage answer = await host.GetAsync(host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}", range);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(Texture[start..end], await RelayHost.BodyAsync(answer));
        Assert.Equal(end - start, answer.Content.Headers.ContentLength);
        Assert.Equal(range, Assert.Single(origin.Requests).Range);
    }

    [Fact]
    public async Task T33_The_viewers_own_range_goes_first_and_the_remainder_is_one_later_request()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";

        Assert.Equal(Texture[..600], await host.BytesAsync(url, "bytes=0-599"));
        Assert.Equal(Texture[599..16_792], await host.BytesAsync(url, "bytes=599-16791"));
        Assert.Equal(["bytes=0-599", "bytes=600-16791"], origin.Requests.Select(r => r.Range));

        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, Texture), tick: TimeSpan.FromSeconds(1));
        Assert.Equal(["bytes=0-599", "bytes=600-16791", "bytes=16792-"], origin.Requests.Select(r => r.Range));
        Assert.Equal(1, origin.MostOftenGiven(id));
        Assert.Equal(Texture[599..], await host.BytesAsync(url, "bytes=599-"));
        Assert.Equal(3, origin.Requests.Count);
        await host.UntilAsync(() => host.Relay.Assembling == (0, 0));
    }

    [Fact]
    public async Task T33_The_background_stands_still_while_a_viewer_waits()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid first = origin.Add(Texture), second = origin.Add(Texture);
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        TaskCompletionSource gate = new();
        origin.Gate = n => n == 1 ? gate.Task : Task.CompletedTask;

        await host.BytesAsync($"{cap}/?texture_id={first}", "bytes=0-599");
        Task<byte[]> waiting = host.BytesAsync($"{cap}/?texture_id={second}");
        await host.UntilAsync(() => origin.Requests.Count == 2);
        await host.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(2, origin.Requests.Count);

        gate.SetResult();
        Assert.Equal(Texture, await waiting);
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, first, Texture), tick: TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task T33_What_is_larger_than_the_limit_is_not_completed_but_kept_when_the_viewer_reads_it_all()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync(new() { CompleteTextureUpToBytes = 49_999 });
        Guid id = origin.Add(Texture);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        await host.BytesAsync(url, "bytes=0-599");
        await host.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Single(origin.Requests);

        Assert.Equal(Texture[599..], await host.BytesAsync(url, "bytes=599-"));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, Texture));
        Assert.Equal(2, origin.Requests.Count);
    }

    [Fact]
    public async Task T34_Twenty_equal_requests_at_once_make_one_upstream()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        TaskCompletionSource gate = new();
        origin.Gate = _ => gate.Task;

        Task<byte[]>[] all = [.. Enumerable.Range(0, 20).Select(_ => host.BytesAsync(url, "bytes=0-16791"))];
        await host.UntilAsync(() => host.Relay.Waiting == 20);
        gate.SetResult();
        foreach (byte[] got in await Task.WhenAll(all)) Assert.Equal(Texture[..16_792], got);
        Assert.Single(origin.Requests);
    }

    [Fact]
    public async Task T34_Overlapping_ranges_never_fetch_a_byte_more_than_twice()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        Random random = new(7);
        for (int round = 0; round < 40; round++)
        {
            Guid id = origin.Add(Texture);
            await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
            {
                int from = random.Next(Texture.Length - 1), to = random.Next(from, Texture.Length);
                Assert.Equal(Texture[from..(to + 1)], await host.BytesAsync($"{cap}/?texture_id={id}", $"bytes={from}-{to}"));
            }));
            Assert.InRange(origin.MostOftenGiven(id), 1, 2);
        }
    }

    [Fact]
    public async Task T34_Only_the_gap_is_fetched_and_several_gaps_as_one_span()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        foreach ((string range, int start, int end) in ((string, int, int)[])
            [("bytes=1000-1999", 1000, 2000), ("bytes=3000-3999", 3000, 4000), ("bytes=500-4499", 500, 4500), ("bytes=0-9999", 0, 10_000)])
            Assert.Equal(Texture[start..end], await host.BytesAsync(url, range));
        // The last would have fetched the bytes between its gaps for a third time.
        Assert.Equal(["bytes=1000-1999", "bytes=3000-3999", "bytes=500-4499"], origin.Requests.Take(3).Select(r => r.Range));
        Assert.Equal(["bytes=0-499", "bytes=4500-9999"], origin.Requests.Skip(3).Select(r => r.Range).Order(StringComparer.Ordinal));
        Assert.Equal(2, origin.MostOftenGiven(id));
    }

    [Fact]
    public async Task T36_A_404_on_an_old_regions_cap_is_asked_again_on_the_current_one()
    {
        await using ScriptedOrigin old = await ScriptedOrigin.StartAsync();
        await using ScriptedOrigin current = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = current.Add(Texture);
        string url = host.Cap("c", Grid, new Uri(old.Url, "/old"), new Uri(current.Url, "/now")) + $"/?texture_id={id}";
        Assert.Equal(Texture[..600], await host.BytesAsync(url, "bytes=0-599"));
        Assert.Single(old.Requests);
        Assert.StartsWith("/now/", Assert.Single(current.Requests).Target);
    }

    [Fact]
    public async Task T40_An_asset_token_works_on_after_its_region_is_gone()
    {
        await using ScriptedOrigin current = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Uri gone;
        await using (ScriptedOrigin old = await ScriptedOrigin.StartAsync()) gone = old.Url;
        byte[] sound = SyntheticAssets.Sound(3, 20_000);
        Guid id = current.Add(sound);
        string url = host.Cap("c", Grid, new Uri(gone, "/old"), new Uri(current.Url, "/now")) + $"/?sound_id={id}";
        Assert.Equal(sound, await host.BytesAsync(url));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Sound, id, sound));
    }

    [Theory]
    [InlineData(404)]
    [InlineData(403)]
    public async Task A_grids_no_is_passed_on_remembered_for_a_moment_and_then_forgotten(int status)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = Guid.NewGuid();
        bool missing = true;
        origin.Otherwise = async context =>
        {
            if (!missing) return false;
            context.Response.StatusCode = status;
            await context.Response.Body.WriteAsync("no such thing"u8.ToArray(), context.RequestAborted);
            return true;
        };
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
        using HttpResponseMessage first = await host.GetAsync(url, "bytes=0-599");
        Assert.Equal(status, (int)first.StatusCode);
        Assert.Equal("no such thing", Encoding.UTF8.GetString(await RelayHost.BodyAsync(first)));
        using HttpResponseMessage second = await host.GetAsync(url, "bytes=0-599");
        Assert.Equal(status, (int)second.StatusCode);
        Assert.Single(origin.Requests);

        missing = false;
        origin.Add(Texture, id);
        host.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(Texture[..600], await host.BytesAsync(url, "bytes=0-599"));
    }

    [Fact]
    public async Task T38_A_senseless_content_encoding_is_stripped_and_none_is_asked_for()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = origin.Add(Texture);
        origin.Otherwise = context =>
        {
            context.Response.Headers.ContentEncoding = "binary/octet-stream";
            return Task.FromResult(false);
        };
        string cap = host.Cap("c", Grid, new Uri(origin.Url, "/cap"));
        foreach (string query in (string[])[$"?texture_id={id}", $"?format=x&texture_id={id}"])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, cap + "/" + query);
            request.Headers.TryAddWithoutValidation("Accept-Encoding", "deflate, gzip, br");
            using HttpResponseMessage answer = await host.SendAsync(request);
            Assert.False(answer.Content.Headers.NonValidated.Contains("Content-Encoding"));
            Assert.Equal(Texture, await RelayHost.BodyAsync(answer));
        }
        Assert.All(origin.Requests, r => Assert.Equal("identity", r.Headers["Accept-Encoding"]));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, Texture));
    }

    [Fact]
    public async Task T39_A_mesh_is_served_block_by_block_from_one_stored_file()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        byte[] mesh = SyntheticAssets.Mesh(5, 200_000);
        Guid id = origin.Add(mesh);
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + $"/?mesh_id={id}";
        Assert.Equal(mesh[..4096], await host.BytesAsync(url, "bytes=0-4095"));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Mesh, id, mesh), tick: TimeSpan.FromSeconds(1));
        int asked = origin.Requests.Count;
        Assert.Equal(2, asked);
        for (int from = 0; from < mesh.Length; from += 17_001)
        {
            int end = Math.Min(mesh.Length, from + 17_001);
            using HttpResponseMessage answer = await host.GetAsync(url, $"bytes={from}-{end - 1}");
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal(mesh[from..end], await RelayHost.BodyAsync(answer));
        }
        Assert.Equal(asked, origin.Requests.Count);
    }

    [Theory]
    [InlineData("?texture_id={0}&format=png")]
    [InlineData("?notecard_id={0}")]
    [InlineData("?lsltext_id={0}")]
    [InlineData("?object_id={0}")]
    public async Task T41_Other_requests_are_passed_through_and_never_stored(string query)
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        Guid id = Guid.NewGuid();
        origin.Otherwise = async context =>
        {
            context.Response.Headers["X-Grid"] = "as it is";
            context.Response.Headers.SetCookie = "a=b";
            await context.Response.Body.WriteAsync(Texture, context.RequestAborted);
            return true;
        };
        string url = host.Cap("c", Grid, new Uri(origin.Url, "/cap")) + "/" + string.Format(query, id);
        for (int i = 0; i < 2; i++)
        {
            using HttpResponseMessage answer = await host.GetAsync(url);
            Assert.Equal("as it is", answer.Headers.GetValues("X-Grid").Single());
            Assert.False(answer.Headers.Contains("Set-Cookie"));
            Assert.Equal(Texture, await RelayHost.BodyAsync(answer));
        }
        Assert.Equal(2, origin.Requests.Count);
        Assert.Equal((0, 0L), host.Relay.Assembling);
        Assert.False(await host.HoldsAsync(Grid, AssetType.Texture, id, Texture));
    }

    [Fact]
    public async Task T55_One_uuid_on_two_grids_brings_each_grids_bytes()
    {
        await using ScriptedOrigin one = await ScriptedOrigin.StartAsync();
        await using ScriptedOrigin two = await ScriptedOrigin.StartAsync();
        await using RelayHost host = await RelayHost.StartAsync();
        byte[] other = SyntheticAssets.Texture(2, 50_000, 512, 512);
        Guid id = one.Add(Texture);
        two.Add(other, id);
        string a = host.Cap("a", Grid, new Uri(one.Url, "/cap")) + $"/?texture_id={id}", b = host.Cap("b", "other.example.org", new Uri(two.Url, "/cap")) + $"/?texture_id={id}";
        Assert.Equal(Texture[..600], await host.BytesAsync(a, "bytes=0-599"));
        Assert.Equal(other[..600], await host.BytesAsync(b, "bytes=0-599"));
        Assert.Equal(Texture, await host.BytesAsync(a));
        Assert.Equal(other, await host.BytesAsync(b));
        await host.UntilAsync(() => host.HoldsAsync(Grid, AssetType.Texture, id, Texture));
        await host.UntilAsync(() => host.HoldsAsync("other.example.org", AssetType.Texture, id, other));
        Assert.Equal(Texture, await host.BytesAsync(a));
        Assert.Equal(other, await host.BytesAsync(b));
        Assert.Equal((2, 2), (one.Requests.Count, two.Requests.Count));
    }
}
