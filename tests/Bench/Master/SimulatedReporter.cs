using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Bench.Master;

/// <summary>A node as its master hears it: a signed report every two seconds, on one connection from its own address, with figures that go up and down.</summary>
internal sealed class SimulatedReporter(string id, IPAddress from, IPEndPoint master, byte[] key, Tally sums)
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(2), s_patience = TimeSpan.FromSeconds(5);

    private readonly Random _dice = new(from.GetHashCode());
    private long _hits, _lastAt;

    /// <summary>Reports until told to stop, after a first wait, since nodes do not report all at once.</summary>
    public async Task RunAsync(TimeSpan first, CancellationToken ct)
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, stop) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Bind(new IPEndPoint(from, 0));
                await socket.ConnectAsync(master, stop);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        try
        {
            await Task.Delay(first, ct);
            using var timer = new PeriodicTimer(s_every);
            do sums.Add(await ReportAsync(http, ct));
            while (await timer.WaitForNextTickAsync(ct));
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    private async Task<bool> ReportAsync(HttpMessageInvoker http, CancellationToken ct)
    {
        double rate = 15 + (25 * _dice.NextDouble());
        _hits += (long)(rate * 1.9);
        _lastAt = Math.Max(_lastAt + 1, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new NodeReport
        {
            Node = id,
            At = _lastAt,
            Ready = true,
            Draining = false,
            Epoch = 1,
            RequestsPerSecond = rate,
            InFlight = _dice.Next(12),
            QuietSeconds = 0.05,
            Cpu = rate / 80,
            SentBytesPerSecond = rate * 120_000,
            Load = rate / 55,
            SlowestMilliseconds = 12,
            Hits = _hits,
            Misses = _hits / 12,
            SentBytes = _hits * 120_000,
            ControlSequence = 3,
            Serial = "5A0123456789ABCDEF0123456789ABCD",
        }, JsonSerializerOptions.Web);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(s_patience);
        using var ask = new HttpRequestMessage(HttpMethod.Post, $"http://{master}{FleetApi.Reports}") { Content = new ByteArrayContent(body) };
        ask.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        ask.Headers.TryAddWithoutValidation(FleetApi.SignatureHeader, FleetSignature.Of(key, FleetApi.Reports, body));
        try
        {
            using HttpResponseMessage answer = await http.SendAsync(ask, late.Token);
            await answer.Content.CopyToAsync(Stream.Null, late.Token);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when ((e is HttpRequestException or IOException or OperationCanceledException) && !ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
