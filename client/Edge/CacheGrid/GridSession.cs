using System.Net;
using System.Text.Json;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Enrolment, and the session that nodes are asked under: fetched in the background, renewed when half of it is over on a monotonic clock, so that
/// neither a lookup nor a wrong wall clock ever waits for the master.
/// </summary>
internal sealed class GridSession(GridIdentity identity, GridNodes nodes, NodeConnections connections, TimeProvider time, GridTroubles troubles) : IAsyncDisposable
{
    private const int MaxAnswerBytes = 64 << 10, MaxNodes = 3;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_firstPause = TimeSpan.FromSeconds(2), s_longestPause = TimeSpan.FromMinutes(5);
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 4 };

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _now = new(0, 1);
    private volatile Held? _held;
    private Task _renewing = Task.CompletedTask;

    private sealed record Held(string Token, long Since, TimeSpan Good);

    /// <summary>The token, or null while there is none.</summary>
    public string? Token => _held is { } held && time.GetElapsedTime(held.Since) < held.Good ? held.Token : null;

    public GridIdentity Identity => identity;

    /// <summary>Takes the invite, once; afterwards it is of no more use.</summary>
    /// <param name="invite">Null: there is none.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="by">What the user has said, for the sentence that says what is wrong with it.</param>
    /// <exception cref="CannotStartException">The grid does not let us in, or cannot be reached.</exception>
    public async Task EnrolAsync(string? invite, CancellationToken ct, string by = "--invite")
    {
        if (identity.ClientId is not null) return;
        if (invite is null) throw new CannotStartException("This client does not belong to the cache grid yet: ask somebody who does for an invite, and give it once with --invite.");
        try
        {
            Enrolled enrolled = await AskAsync<Enrolled>(HttpMethod.Post, EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = invite, PublicKey = identity.PublicKey }, ct);
            identity.Enrolled(enrolled.ClientId);
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.Forbidden)
        {
            throw new CannotStartException($"{by}: the cache grid does not know this invite, or it is used, too old or taken back: ask for another.");
        }
        catch (Exception e) when (IsTrouble(e))
        {
            throw new CannotStartException($"{by}: the cache grid cannot be asked ({HttpTrouble.Reason(e)}): try again{(by == "--invite" ? ", or leave --grid out for now" : "")}.");
        }
    }

    /// <summary>An invite for a friend, into this client's own branch.</summary>
    /// <exception cref="CannotStartException">The grid gives none, or cannot be reached.</exception>
    public async Task<string> InviteAsync(CancellationToken ct)
    {
        try
        {
            SessionNonce nonce = await AskAsync<SessionNonce>(HttpMethod.Get, EnrolmentApi.Nonce, null, ct);
            var request = new SessionRequest { ClientId = identity.ClientId!, Nonce = nonce.Nonce, Proof = identity.Prove(nonce.Nonce) };
            return (await AskAsync<NewInvite>(HttpMethod.Post, EnrolmentApi.Invites, request, ct)).Invite;
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.Forbidden)
        {
            throw new CannotStartException($"invite: the cache grid gives no invite: at most {EnrolmentApi.MostOpenInvites} of a member's may be open, each for seven days, and its owner can shut members out.");
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            throw new CannotStartException("invite: the cache grid is of an earlier version, whose owner alone invites.");
        }
        catch (Exception e) when (IsTrouble(e))
        {
            throw new CannotStartException($"invite: the cache grid cannot be asked ({HttpTrouble.Reason(e)}): try again.");
        }
    }

    /// <summary>Begins to have a session.</summary>
    public void Start() => _renewing = Task.Run(RenewAsync);

    /// <summary>A node did not take the token: another is fetched now, if this is still the one.</summary>
    public void Refused(string token)
    {
        Held? held = _held;
        // A node that takes none at all must not have us ask the master without end.
        if (held?.Token != token || time.GetElapsedTime(held.Since) < TimeSpan.FromSeconds(30)) return;
        if (Interlocked.CompareExchange(ref _held, null, held) == held && _now.CurrentCount == 0) _now.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _renewing;
        _stop.Dispose();
        _now.Dispose();
    }

    private async Task RenewAsync()
    {
        TimeSpan pause = s_firstPause;
        try
        {
            while (true)
            {
                try
                {
                    SessionNonce nonce = await AskAsync<SessionNonce>(HttpMethod.Get, EnrolmentApi.Nonce, null, _stop.Token);
                    long since = time.GetTimestamp();
                    Session session = await AskAsync<Session>(HttpMethod.Post, EnrolmentApi.Sessions,
                        new SessionRequest { ClientId = identity.ClientId!, Nonce = nonce.Nonce, Proof = identity.Prove(nonce.Nonce) }, _stop.Token);
                    TimeSpan good = TimeSpan.FromSeconds(Math.Clamp(session.ExpiresIn, 60, 86_400));
                    connections.Deny(session.DeniedSerials ?? []);
                    _held = new Held(session.Token, since, good);
                    pause = s_firstPause;
                    await WaitAsync(good / 2);
                }
                catch (Exception e) when (IsTrouble(e) && !_stop.IsCancellationRequested)
                {
                    troubles.Session(e);
                    await WaitAsync(pause);
                    pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The client is being closed.
        }
        catch (Exception e)
        {
            troubles.Background(e);
        }
    }

    private async Task WaitAsync(TimeSpan length)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task refused = _now.WaitAsync(over.Token);
        await Task.WhenAny(refused, Task.Delay(length, time, over.Token));
        await over.CancelAsync();
        await refused.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Token.ThrowIfCancellationRequested();
    }

    private async Task<T> AskAsync<T>(HttpMethod method, string path, object? body, CancellationToken ct)
    {
        using CancellationTokenSource late = new(s_patience, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, ct);
        using HttpResponseMessage answer = await SendAsync(method, path, body, stop.Token, ct);
        if (answer.StatusCode != HttpStatusCode.OK) throw new HttpRequestException($"status {(int)answer.StatusCode}", null, answer.StatusCode);
        byte[] bytes = new byte[MaxAnswerBytes];
        using Stream stream = await answer.Content.ReadAsStreamAsync(stop.Token);
        int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, stop.Token);
        return JsonSerializer.Deserialize<T>(bytes.AsSpan(0, length), s_json) ?? throw new JsonException("An empty answer.");
    }

    // Where the master is at the nodes, one of them that is down is no reason to stay outside; everything here may be asked twice.
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, CancellationToken stop, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            using HttpRequestMessage request = new(method, new Uri(path, UriKind.Relative));
            if (body is not null) request.Content = JsonContent.Create(body, body.GetType(), options: s_json);
            TimeSpan now = time.GetElapsedTime(0);
            IPEndPoint? node = nodes.Choose(now);
            try
            {
                return await connections.SendToMasterAsync(node, request, stop);
            }
            catch (Exception e) when (node is not null && IsTrouble(e) && !ct.IsCancellationRequested)
            {
                nodes.Failed(node, now);
                if (attempt == MaxNodes || stop.IsCancellationRequested || nodes.Choose(now) is null) throw;
            }
        }
    }

    private static bool IsTrouble(Exception e) => e is HttpRequestException or IOException or OperationCanceledException or JsonException;
}
