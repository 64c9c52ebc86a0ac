using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.Cloud;

/// <summary>EC2's metadata service as one machine sees it, version 2 alone: without a token of its own it tells nothing.</summary>
internal sealed class FakeMetadata : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeMetadata(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());

    public static async Task<FakeMetadata> StartAsync(string id, string address, string? userData)
    {
        string token = Guid.NewGuid().ToString("N");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.Run(context =>
        {
            string? text = (context.Request.Method, context.Request.Path.Value) switch
            {
                ("PUT", "/latest/api/token") => token,
                ("GET", "/latest/meta-data/instance-id") => id,
                ("GET", "/latest/meta-data/local-ipv4") => address,
                ("GET", "/latest/user-data") => userData,
                _ => null,
            };
            bool knows = context.Request.Method == "PUT" || context.Request.Headers["X-aws-ec2-metadata-token"] == token;
            if (knows && text is not null) return context.Response.WriteAsync(text);
            context.Response.StatusCode = knows ? StatusCodes.Status404NotFound : StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        await app.StartAsync();
        return new FakeMetadata(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
