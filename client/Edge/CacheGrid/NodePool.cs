using System.Net;
using System.Net.Http.Headers;

namespace GlobalCache.Client.Edge;

/// <summary>
/// The connections to one address. Retired, it takes no more requests and is disposed of when those under way have ended: to take their connection from
/// under them would be a miss each, and a failure of a node that has done nothing wrong.
/// </summary>
internal sealed class NodePool(HttpMessageInvoker connections)
{
    private readonly Lock _gate = new();
    private int _underWay;
    private bool _retired;

    /// <summary>All its connections are closed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>One more request; whoever is told true calls <see cref="SendAsync"/>. False: retired.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_retired) return false;
            _underWay++;
            return true;
        }
    }

    /// <summary>A request, which ends when its answer is disposed of.</summary>
    /// <exception cref="HttpRequestException">No connection, or it broke.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        try
        {
            HttpResponseMessage answer = await connections.SendAsync(request, ct);
            answer.Content = new CountedContent(answer.Content, Leave);
            return answer;
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>Idempotent.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            if (_retired) return;
            _retired = true;
            if (_underWay > 0) return;
            IsDisposed = true;
        }
        connections.Dispose();
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_underWay > 0 || !_retired) return;
            IsDisposed = true;
        }
        connections.Dispose();
    }

    /// <summary>An answer's content that tells of its end.</summary>
    private sealed class CountedContent : HttpContent
    {
        private readonly HttpContent _content;
        private Action? _ended;

        public CountedContent(HttpContent content, Action ended)
        {
            (_content, _ended) = (content, ended);
            foreach ((string name, HeaderStringValues values) in content.Headers.NonValidated) Headers.TryAddWithoutValidation(name, values);
        }

        protected override Task<Stream> CreateContentReadStreamAsync() => _content.ReadAsStreamAsync();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _content.CopyToAsync(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = _content.Headers.ContentLength ?? 0;
            return _content.Headers.ContentLength is not null;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _content.Dispose();
                Interlocked.Exchange(ref _ended, null)?.Invoke();
            }
            base.Dispose(disposing);
        }
    }
}
