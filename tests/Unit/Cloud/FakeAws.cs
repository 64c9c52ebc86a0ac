using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using System.Xml.Linq;
using GlobalCache.Master.Zones;
using GlobalCache.Policy.Cloud;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Tests.Cloud;

/// <summary>What AWS answers when it does not do it.</summary>
internal sealed class AwsRefusal(int status, string code, string message = "") : Exception(message)
{
    public int Status => status;

    public string Code => code;
}

/// <summary>
/// What the fakes of AWS' services share: a server on loopback that speaks the real protocol, checks the signature of every request, and asks the shipped permissions about every
/// call before it is looked at, as AWS does.
/// </summary>
internal abstract class FakeAws : IAsyncDisposable
{
    public const string KeyId = "AKIDFAKE", Secret = "secret/of+" + SecretWatch.Mark, Token = SecretWatch.Mark + "==";

    /// <summary>Headers that say what is asked for.</summary>
    private static readonly string[] s_asked = ["If-Match", "If-None-Match", "Range"];

    private readonly string _service, _region;
    private readonly IReadOnlyList<IamDocument> _permissions;
    private readonly Queue<AwsRefusal> _refusals = new();
    private readonly HashSet<string> _cut = [];
    private WebApplication? _app;

    protected FakeAws(string service, string region, TimeProvider time, IReadOnlyList<IamDocument> permissions) =>
        (_service, _region, Time, _permissions) = (service, region, time, permissions);

    public Uri Url { get; private set; } = null!;

    /// <summary>Every call, by name, whatever became of it.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>Every question to the permissions and its answer.</summary>
    public ConcurrentQueue<(IamCall Call, IamVerdict Verdict)> Verdicts { get; } = new();

    /// <summary>Why the last call was refused by its permissions.</summary>
    public (IamCall Call, IamVerdict Verdict) LastRefusal => Verdicts.Last(v => !v.Verdict.IsAllowed);

    protected TimeProvider Time { get; }

    protected Lock Gate { get; } = new();

    /// <summary>The next calls that the permissions allow are answered so, one each; status 0: the connection is cut without an answer.</summary>
    public void Refuse(int status, string code, int times = 1)
    {
        for (int i = 0; i < times; i++) _refusals.Enqueue(new AwsRefusal(status, code, code));
    }

    /// <summary>The call after which it is done, but its answer is lost.</summary>
    public bool LoseNextAnswer { get; set; }

    public async Task<FakeAws> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(ServeAsync);
        await _app.StartAsync();
        Url = new Uri(_app.Urls.First());
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
    }

    protected abstract XDocument Answer(string method, string path, IReadOnlyDictionary<string, string> query, byte[] body);

    protected virtual (string ContentType, string Text) Render(XDocument answer) => ("text/xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + answer.ToString(SaveOptions.DisableFormatting));

    protected abstract XDocument Error(AwsRefusal refusal);

    /// <summary>Asks the permissions; the refusal has the code of the service.</summary>
    protected void Demand(string code, string action, string resource, params (string Key, string? Value)[] context)
    {
        var keys = context.Where(c => c.Value is not null).GroupBy(c => c.Key).ToDictionary(c => c.Key, c => c.Select(v => v.Value!).ToImmutableArray());
        var call = new IamCall(action, resource, keys);
        IamVerdict verdict = IamEvaluator.Evaluate(_permissions, call);
        Verdicts.Enqueue((call, verdict));
        if (!verdict.IsAllowed) throw new AwsRefusal(403, code, $"You are not authorized to perform {action}.");
    }

    /// <summary>Trouble on demand, after the permissions have been asked.</summary>
    protected void MaybeRefuse()
    {
        if (_refusals.TryDequeue(out AwsRefusal? refusal)) throw refusal;
    }

    private async Task ServeAsync(HttpContext http)
    {
        using var read = new MemoryStream();
        await http.Request.Body.CopyToAsync(read);
        byte[] body = read.ToArray();
        XDocument answer;
        try
        {
            CheckSignature(http.Request, body);
            // Below the SDK the very same request is sent once more over another connection; that is the same call still.
            if (_cut.Contains(Name(http.Request))) throw new AwsRefusal(0, "cut");
            lock (Gate)
            {
                var query = http.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString());
                // What is asked for stands in a header where a service speaks JSON.
                if (http.Request.Headers["X-Amz-Target"].ToString() is { Length: > 0 } target) query["Target"] = target;
                foreach (string name in s_asked.Where(http.Request.Headers.ContainsKey)) query[name] = http.Request.Headers[name].ToString();
                answer = Answer(http.Request.Method, http.Request.Path.Value!, query, body);
            }

            if (LoseNextAnswer)
            {
                LoseNextAnswer = false;
                throw new AwsRefusal(0, "cut");
            }
        }
        catch (AwsRefusal refusal)
        {
            if (refusal.Status == 0)
            {
                _cut.Add(Name(http.Request));
                http.Abort();
                return;
            }

            http.Response.StatusCode = refusal.Status;
            answer = Error(refusal);
        }

        await WriteAsync(http.Response, answer);
    }

    protected virtual Task WriteAsync(HttpResponse response, XDocument answer)
    {
        (response.ContentType, string text) = Render(answer);
        return response.WriteAsync(text, Encoding.UTF8);
    }

    private static string Name(HttpRequest request) => request.Headers["amz-sdk-invocation-id"] + request.Headers.Authorization.ToString();

    private void CheckSignature(HttpRequest request, byte[] body)
    {
        string authorization = request.Headers.Authorization.ToString();
        string[] signed = authorization.Split("SignedHeaders=").ElementAtOrDefault(1)?.Split(',')[0].Split(';') ?? [];
        foreach (string needed in (string[])["host", "x-amz-date", "x-amz-security-token"])
        {
            if (!signed.Contains(needed)) throw new AwsRefusal(403, "MissingAuthenticationToken", needed);
        }

        var headers = signed.SelectMany(name => (request.Headers.TryGetValue(name, out StringValues values) ? values : default).Select(v => (name, v ?? ""))).ToList();
        var query = request.Query.SelectMany(q => q.Value.Select(v => (q.Key, v ?? ""))).ToList();
        // The path as it came, before the server has decoded anything.
        string path = request.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget.Split('?')[0];
        string expected = SigV4.Authorize(new SigV4Request(request.Method, path, query, headers, body), KeyId, Secret, _region, _service, request.Headers["x-amz-date"].ToString());
        if (authorization != expected || request.Headers["x-amz-security-token"] != Token) throw new AwsRefusal(403, "SignatureDoesNotMatch", "The signature is wrong.");
    }
}
