using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Bench;

/// <summary>
/// The baseline of hits and of idle memory: the least an ASP.NET program can do, the same bytes from an array.
/// Runs as a process of its own (<c>bench serve-baseline BYTES</c>), with the client's own runtime settings.
/// </summary>
internal static class BareKestrel
{
    public const string Verb = "serve-baseline";

    public static async Task RunAsync(int bytes)
    {
        byte[] body = new byte[bytes];
        new Random(1).NextBytes(body);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1));
        await using WebApplication app = builder.Build();
        app.Run(context =>
        {
            context.Response.ContentType = "image/x-j2c";
            context.Response.ContentLength = body.Length;
            return context.Response.Body.WriteAsync(body, 0, body.Length);
        });
        await app.StartAsync();
        await Console.Out.WriteLineAsync($"listening {app.Urls.First()}");
        await Task.Delay(Timeout.Infinite);
    }
}
