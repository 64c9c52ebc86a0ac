using System.Net;
using System.Text.Json;
using GlobalCache.Node;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Node.Control;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Routing;

namespace GlobalCache.Tests.Node;

/// <summary>What is answered on which listener, and that it is described.</summary>
public sealed class ApiDescriptionTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-api-").FullName;
    private readonly GridClient _client = new("127.0.0.1");
    private NodeApp _node = null!;
    private HttpClient _owner = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await NodeApp.StartAsync(new NodeOptions { Data = _folder, Listen = new IPEndPoint(IPAddress.Loopback, 0), Private = new IPEndPoint(IPAddress.Loopback, 0) }, WatchedLog.Unread);
        _owner = new HttpClient { BaseAddress = new Uri($"http://{_node.Private}") };
    }

    public async ValueTask DisposeAsync()
    {
        _owner.Dispose();
        _client.Dispose();
        await _node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task No_route_of_the_owner_answers_clients_and_none_of_theirs_the_owner()
    {
        Assert.NotEmpty(_node.Routes);
        foreach (RouteEndpoint route in _node.Routes)
        {
            bool owners = route.Metadata.GetMetadata<OwnersOnly>() is not null, health = route.RoutePattern.RawText == NodeApi.Health;
            string path = Path(route);
            foreach (string method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
            {
                HttpStatusCode there = await AskAsync(_client.At(_node), method, path), here = await AskAsync(_owner, method, path);
                // An asset's 404 would be that of a client with a session.
                if (owners) Assert.Equal(HttpStatusCode.NotFound, there);
                else Assert.NotEqual(HttpStatusCode.NotFound, there);
                if (owners || health) Assert.NotEqual(HttpStatusCode.NotFound, here);
                else Assert.Equal(HttpStatusCode.NotFound, here);
            }
        }
    }

    [Fact]
    public async Task Every_call_is_described_with_its_answers_and_headers()
    {
        using JsonDocument document = JsonDocument.Parse(await _owner.GetStringAsync("/openapi/v1.json"));
        JsonElement paths = document.RootElement.GetProperty("paths");
        foreach (RouteEndpoint route in _node.Routes.Where(r => !r.RoutePattern.RawText!.StartsWith("/openapi", StringComparison.Ordinal) && !r.RoutePattern.RawText.StartsWith("/scalar", StringComparison.Ordinal)))
        {
            string path = route.RoutePattern.RawText!, method = route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0];
            Assert.True(ApiDescription.Knows(method, path), $"{method} {path} is not described.");
            JsonElement operation = paths.GetProperty(path).GetProperty(method.ToLowerInvariant());
            Assert.NotEqual("", operation.GetProperty("summary").GetString());
            foreach (JsonProperty answer in operation.GetProperty("responses").EnumerateObject())
                Assert.True(answer.Value.GetProperty("description").GetString()!.EndsWith('.'), $"{method} {path} does not say what {answer.Name} means.");
        }
        JsonElement asset = paths.GetProperty(NodeApi.Asset).GetProperty("get");
        Assert.Equal(["200", "401", "404", "429", "503"], asset.GetProperty("responses").EnumerateObject().Select(r => r.Name).Order());
        Assert.True(asset.GetProperty("responses").GetProperty("200").GetProperty("headers").TryGetProperty(NodeApi.AssetKeyHeader, out _));
        Assert.True(asset.GetProperty("responses").GetProperty("429").GetProperty("headers").TryGetProperty("Retry-After", out _));
        Assert.True(asset.TryGetProperty("security", out _));
        JsonElement claims = paths.GetProperty(NodeApi.Claims).GetProperty("post");
        Assert.True(claims.TryGetProperty("requestBody", out _));
        Assert.Contains(claims.GetProperty("parameters").EnumerateArray(), p => p.GetProperty("name").GetString() == NodeApi.SignatureHeader);
    }

    [Fact]
    public async Task The_page_that_shows_it_asks_no_other_server()
    {
        string page = await _owner.GetStringAsync("/scalar/v1");
        Assert.DoesNotContain("cdn.", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("src=\"http", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("href=\"http", page, StringComparison.OrdinalIgnoreCase);
    }

    private static string Path(RouteEndpoint route)
    {
        string path = route.RoutePattern.RawText!;
        path = path.StartsWith('/') ? path : "/" + path;
        foreach ((string name, string value) in new[] { ("{grid}", "agni"), ("{type}", "texture"), ("{id}", $"{Guid.NewGuid()}"), ("{documentName}", "v1"), ("{documentName?}", "v1"), ("{documentName=v1}", "v1") })
            path = path.Replace(name, value, StringComparison.Ordinal);
        return path;
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient http, string method, string path)
    {
        using var ask = new HttpRequestMessage(new HttpMethod(method), path);
        if (method is "POST" or "PUT") ask.Content = new ByteArrayContent([]);
        using HttpResponseMessage answer = await http.SendAsync(ask, HttpCompletionOption.ResponseHeadersRead);
        return answer.StatusCode;
    }
}
