using System.Net;
using GlobalCache.Client;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Ways;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Forwarder;

namespace GlobalCache.Tests.Edge;

/// <summary>The front on a real loopback port, with answers that name who gave them.</summary>
internal sealed class FrontHost : IAsyncDisposable
{
    private readonly WebApplication _web;

    private FrontHost(WebApplication web, InstallToken token) => (_web, Token) = (web, token);

    public InstallToken Token { get; }

    public int Port => new Uri(_web.Urls.First()).Port;

    public static async Task<FrontHost> StartAsync(
        Func<InstallToken, IHttpForwarder, Front> front, Func<ConnectionDelegate, Func<int>, ConnectionDelegate>? connection = null)
    {
        var token = InstallToken.Fresh();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddHttpForwarder();
        int port = 0;
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            ClientApp.Tame(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                if (connection is not null) listen.Use(next => connection(next, () => port));
            });
        });
        WebApplication web = builder.Build();
        web.Run(front(token, web.Services.GetRequiredService<IHttpForwarder>()).HandleAsync);
        await web.StartAsync();
        var host = new FrontHost(web, token);
        port = host.Port;
        return host;
    }

    /// <summary>Answers 200 with a name and what was asked behind the token.</summary>
    public static ServeToken Say(string name) => (context, _, rest) => context.Response.WriteAsync($"{name} {rest}");

    public ValueTask DisposeAsync() => _web.DisposeAsync();
}
