using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Http.Features;

namespace GlobalCache.Chaos.Parts;

/// <summary>The answer as a server's framework writes it, with a server's own memory of whether it has begun.</summary>
#pragma warning disable CA1001 // What it holds is memory, and goes with it.
internal sealed class AnswerFeature(CancellationTokenSource aborted) : IHttpResponseFeature, IHttpResponseBodyFeature, IHttpRequestLifetimeFeature
#pragma warning restore CA1001
{
    private readonly MemoryStream _body = new();
    private PipeWriter? _writer;
    private bool _started;

    public int StatusCode { get; set; } = StatusCodes.Status200OK;

    public string? ReasonPhrase { get; set; }

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    public Stream Body
    {
        get => _body;
        set => throw new NotSupportedException();
    }

    public Stream Stream => _body;

    public PipeWriter Writer => _writer ??= PipeWriter.Create(_body, new StreamPipeWriterOptions(leaveOpen: true));

    public bool HasStarted => _started || _body.Length > 0;

    public bool IsAborted { get; private set; }

    public int Length => (int)_body.Length;

    public CancellationToken RequestAborted { get; set; } = aborted.Token;

    public void Abort()
    {
        IsAborted = true;
        aborted.Cancel();
    }

    public async Task CompleteAsync()
    {
        if (_writer is not null) await _writer.FlushAsync();
        _started = true;
    }

    public void DisableBuffering()
    {
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        _started = true;
        return Task.CompletedTask;
    }

    public void OnStarting(Func<object, Task> callback, object state)
    {
    }

    public void OnCompleted(Func<object, Task> callback, object state)
    {
    }

    /// <summary>As it reaches the client.</summary>
    /// <param name="request">What it answers.</param>
    /// <param name="cut">After so many bytes the connection breaks; below zero: never.</param>
    public HttpResponseMessage ToMessage(HttpRequestMessage request, int cut)
    {
        byte[] bytes = _body.ToArray();
        HttpContent content = cut >= 0 && cut < (Headers.ContentLength ?? bytes.Length) ? new StreamContent(new CutStream(bytes, cut)) : new ByteArrayContent(bytes);
        var message = new HttpResponseMessage((HttpStatusCode)StatusCode) { RequestMessage = request, Content = content };
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, values.ToArray())) content.Headers.TryAddWithoutValidation(name, values.ToArray());
        }
        content.Headers.ContentLength ??= bytes.Length;
        return message;
    }

    /// <summary>A body whose connection breaks.</summary>
    private sealed class CutStream(byte[] bytes, int most) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _at;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int length = Math.Min(count, Math.Min(most, bytes.Length) - _at);
            if (length <= 0) throw new IOException("The connection broke.");
            bytes.AsSpan(_at, length).CopyTo(buffer.AsSpan(offset));
            _at += length;
            return length;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            try
            {
                return Task.FromResult(Read(buffer, offset, count));
            }
            catch (IOException e)
            {
                return Task.FromException<int>(e);
            }
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            byte[] read = new byte[buffer.Length];
            try
            {
                int length = Read(read, 0, read.Length);
                read.AsSpan(0, length).CopyTo(buffer.Span);
                return ValueTask.FromResult(length);
            }
            catch (IOException e)
            {
                return ValueTask.FromException<int>(e);
            }
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
