using System.Net;
using System.Net.Http.Headers;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>What this client says to a node in its own name: under its session and signed by its key, so that no node can say it instead (SECURITY §3).</summary>
internal sealed class SignedRequests(GridNodes nodes, NodeConnections connections, GridSession session, TimeProvider time)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>There is a session to ask under.</summary>
    public bool Ready => session.Token is not null;

    /// <summary>Null: there is no session, or no node, to ask now.</summary>
    /// <exception cref="HttpRequestException">No connection, or it broke. The node is then left alone for a while.</exception>
    /// <exception cref="OperationCanceledException">No answer in time, or <paramref name="stop"/>.</exception>
    public async Task<HttpResponseMessage?> SendAsync(HttpMethod method, string path, byte[] body, string contentType, CancellationToken stop)
    {
        TimeSpan now = time.GetElapsedTime(0);
        if (session.Token is not { } token || nodes.Choose(now) is not { } node) return null;
        using CancellationTokenSource late = new(s_patience, time);
        using var ct = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative)) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add(NodeApi.SignatureHeader, session.Identity.Sign(method.Method, path, body));
        try
        {
            HttpResponseMessage answer = await connections.SendAsync(node, request, ct.Token);
            if (nodes.Answered(node, NodeConnections.IsDraining(answer))) connections.Retire(node);
            if (answer.StatusCode == HttpStatusCode.Unauthorized) session.Refused(token);
            return answer;
        }
        catch (Exception e) when ((e is HttpRequestException or IOException or OperationCanceledException) && !stop.IsCancellationRequested)
        {
            nodes.Failed(node, now);
            throw;
        }
    }
}
