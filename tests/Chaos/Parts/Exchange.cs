using System.Net;
using System.Net.Http.Headers;
using GlobalCache.Chaos.World;
using Microsoft.AspNetCore.Http.Features;

namespace GlobalCache.Chaos.Parts;

/// <summary>One request and what comes of it: answered, refused, broken off by either side, or never anything.</summary>
#pragma warning disable CA1001 // What it holds is memory, and goes with it.
internal sealed class Exchange(Simulation world, Life from, HttpRequestMessage request, byte[] body)
#pragma warning restore CA1001
{
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<HttpResponseMessage> _answer = new();
    private readonly CancellationTokenSource _aborted = new();

    /// <param name="server">Who is there when the request arrives.</param>
    /// <param name="believes">Whether who is there is believed.</param>
    /// <param name="fate">What becomes of it.</param>
    /// <param name="there">The way there.</param>
    /// <param name="back">The way back.</param>
    /// <param name="dice">Where it breaks.</param>
    /// <param name="ct">The client wants it no more.</param>
    public async Task<HttpResponseMessage> SendAsync(Func<Server?> server, Predicate<Server> believes, Fate fate, TimeSpan there, TimeSpan back, Random dice, CancellationToken ct)
    {
        using CancellationTokenRegistration cancelled = ct.UnsafeRegister(_ =>
        {
            if (_answer.TrySetCanceled(ct)) world.After(there, _aborted.Cancel);
        }, null);
        int cut = fate == Fate.Cut ? dice.Next(1, 4000) : -1;
        if (fate == Fate.Unreachable) Fail(s_connect, "no connection");
        else if (fate != Fate.Silent) world.After(there, () => Arrive(server(), believes, fate, back, cut));
        return await _answer.Task;
    }

    private void Arrive(Server? server, Predicate<Server> believes, Fate fate, TimeSpan back, int cut)
    {
        if (_answer.Task.IsCompleted) return;
        if (server is null || server.Life.IsOver)
        {
            Fail(back, "refused");
            return;
        }
        if (!believes(server))
        {
            Fail(back, "the certificate is not believed");
            return;
        }
        void Gone() => Fail(back, "the connection was reset");
        server.Life.AtEnd(Gone);
        // One that sleeps takes it when it wakes.
        world.After(server.Life, TimeSpan.Zero, () => _ = ServeAsync(server, Gone, fate, back, cut));
    }

    private async Task ServeAsync(Server server, Action gone, Fate fate, TimeSpan back, int cut)
    {
        var answer = new AnswerFeature(_aborted);
        try
        {
            await server.Handle(ContextOf(server, answer));
            await answer.CompleteAsync();
        }
        catch (Exception e)
        {
            // As the server would: 500, or where the answer has begun the end of the connection.
            world.Tell($"fault {server.Life.Name} {e.GetType().Name} {e.Message}");
            if (answer.HasStarted) answer.Abort();
            else answer.StatusCode = StatusCodes.Status500InternalServerError;
        }
        server.Life.NoMore(gone);
        if (server.Life.IsOver || fate == Fate.AnswerLost) return;
        if (answer.IsAborted && !_answer.Task.IsCompleted && !answer.HasStarted) gone();
        else world.After(from, back, () => _answer.TrySetResult(answer.ToMessage(request, answer.IsAborted ? answer.Length : cut)));
    }

    private void Fail(TimeSpan after, string why) => world.After(from, after, () => _answer.TrySetException(new HttpRequestException(why)));

    private DefaultHttpContext ContextOf(Server server, AnswerFeature answer)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Body = new MemoryStream(body, writable: false) });
        features.Set<IHttpResponseFeature>(answer);
        features.Set<IHttpResponseBodyFeature>(answer);
        features.Set<IHttpRequestLifetimeFeature>(answer);
        var context = new DefaultHttpContext(features);
        if (server.Services is { } services) context.RequestServices = services;
        Uri uri = request.RequestUri!;
        (context.Request.Method, context.Request.Protocol, context.Request.Scheme) = (request.Method.Method, "HTTP/2", uri.Scheme);
        context.Request.Host = new HostString(uri.Authority);
        context.Request.Path = Uri.UnescapeDataString(uri.AbsolutePath);
        context.Request.QueryString = new QueryString(uri.Query);
        context.Connection.RemoteIpAddress = IPAddress.Parse(from.Address);
        foreach ((string name, HeaderStringValues values) in request.Headers.NonValidated) context.Request.Headers[name] = values.ToArray();
        if (request.Content is not { } content) return context;
        foreach ((string name, HeaderStringValues values) in content.Headers.NonValidated) context.Request.Headers[name] = values.ToArray();
        context.Request.ContentLength = body.Length;
        return context;
    }
}
