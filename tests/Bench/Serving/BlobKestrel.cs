using System.IO.Pipelines;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;

namespace GlobalCache.Bench.Serving;

/// <summary>
/// The baseline: Kestrel and nothing else, the same sealed bytes from memory, found by the path as it came, written the best way known: the head first, then
/// straight into the connection's buffers. In clear and over TLS 1.3 (<c>bench serve-blobs FOLDER</c>).
/// </summary>
internal static class BlobKestrel
{
    public const string Verb = "serve-blobs";

    private const int Piece = 64 * 1024, FlushAfter = 4 * Piece;

    public static async Task RunAsync(string folder)
    {
        string root = NodeServer.Files(folder);
        Dictionary<string, byte[]> blobs = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).ToDictionary(f => f[root.Length..], File.ReadAllBytes);
        using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(OtherServers.Certificate(folder), OtherServers.Key(folder));
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(certificate, https => https.SslProtocols = SslProtocols.Tls13);
            });
        });
        await using WebApplication app = builder.Build();
        app.Run(context => SendAsync(context.Response, blobs[context.Request.Path.Value!]));
        await app.StartAsync();
        string[] ports = [.. app.Urls.Select(u => new Uri(u).Authority)];
        await Console.Out.WriteLineAsync($"listening {ports[1]} {ports[0]}");
        await Task.Delay(Timeout.Infinite);
    }

    private static async Task SendAsync(HttpResponse response, byte[] blob)
    {
        response.ContentType = "application/octet-stream";
        response.ContentLength = blob.Length;
        await response.StartAsync();
        PipeWriter body = response.BodyWriter;
        ReadOnlyMemory<byte> rest = blob;
        for (int unflushed = 0; rest.Length > 0;)
        {
            Memory<byte> room = body.GetMemory(Math.Min(Piece, rest.Length));
            int length = Math.Min(room.Length, rest.Length);
            rest[..length].CopyTo(room);
            body.Advance(length);
            rest = rest[length..];
            if ((unflushed += length) < FlushAfter && rest.Length > 0) continue;
            unflushed = 0;
            await body.FlushAsync();
        }
    }
}
