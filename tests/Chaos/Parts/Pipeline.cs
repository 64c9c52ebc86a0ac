using GlobalCache.Chaos.World;
using Microsoft.AspNetCore.Hosting;

namespace GlobalCache.Chaos.Parts;

/// <summary>The framework's routing around the product's endpoints, without a server.</summary>
internal static class Pipeline
{
    /// <param name="life">Whose it is.</param>
    /// <param name="admit">Comes before everything.</param>
    /// <param name="map">Adds the routes.</param>
    public static Server Build(Life life, Func<HttpContext, RequestDelegate, Task> admit, Action<IEndpointRouteBuilder> map)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRouting();
        // Asked for, and never started.
        builder.WebHost.UseKestrelCore();
        WebApplication web = builder.Build();
        web.Use(next => context => admit(context, next));
        web.UseRouting();
        map(web);
        web.UseEndpoints(_ => { });
        return new Server(life, ((IApplicationBuilder)web).Build(), web.Services);
    }
}
