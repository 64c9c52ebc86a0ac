using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace GlobalCache.Tests.Master;

/// <summary>A server with a certificate of its own making that hands on what a master says of its grid, word by word, and would take whatever else is said to it.</summary>
internal sealed class RepeatingLiar : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly X509Certificate2 _own;

    private RepeatingLiar(WebApplication web, X509Certificate2 own) => (_web, _own) = (web, own);

    /// <summary>What it was asked for.</summary>
    public List<string> Asked { get; } = [];

    public string Address => new Uri(_web.Urls.Single()).Authority;

    public static async Task<RepeatingLiar> StartAsync(HttpClient master)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=liar", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        X509Certificate2 own = request.CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(own)));
        var liar = new RepeatingLiar(builder.Build(), own);
        liar._web.Run(async context =>
        {
            liar.Asked.Add(context.Request.Path);
            using HttpResponseMessage said = await master.GetAsync(EnrolmentApi.GridFile);
            context.Response.Headers[EnrolmentApi.GridMac] = said.Headers.GetValues(EnrolmentApi.GridMac).Single();
            await context.Response.Body.WriteAsync(await said.Content.ReadAsByteArrayAsync());
        });
        await liar._web.StartAsync();
        return liar;
    }

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        _own.Dispose();
    }
}
