using System.Net;
using GlobalCache.Office.Serving;

namespace GlobalCache.Office.Cloud;

/// <summary>What a machine of EC2's knows of itself.</summary>
/// <param name="Id">Such as <c>i-0123456789abcdef0</c>.</param>
/// <param name="Address">Its private one.</param>
/// <param name="UserData">What it was told at its start; empty where that was not asked for.</param>
internal sealed record Machine(string Id, IPAddress Address, string UserData);

/// <summary>
/// EC2's metadata service, version 2 alone: a token is asked for first, which nobody gets who can only make this program fetch an address. Read once, at the start.
/// </summary>
internal sealed class InstanceMetadata(Uri? url, TimeProvider time) : IDisposable
{
    private const int MostBytes = 64 * 1024, Attempts = 10;
    private static readonly Uri s_url = new("http://169.254.169.254/");
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2), s_pause = TimeSpan.FromMilliseconds(500);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null })
    {
        BaseAddress = url ?? s_url,
        MaxResponseContentBufferSize = MostBytes,
        Timeout = s_patience,
    };

    /// <summary>Asks, for some seconds if need be: a machine that has just started may be quicker than its network.</summary>
    /// <param name="userData">Whether what it was told at its start is asked for too.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="CannotStartException">This is no machine of EC2's, or it was told nothing.</exception>
    public async Task<Machine> ReadAsync(bool userData, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                string token = await AskAsync(HttpMethod.Put, "latest/api/token", ("X-aws-ec2-metadata-token-ttl-seconds", "60"), ct);
                async Task<string> GetAsync(string what) => await AskAsync(HttpMethod.Get, "latest/" + what, ("X-aws-ec2-metadata-token", token), ct);
                string id = await GetAsync("meta-data/instance-id"), address = await GetAsync("meta-data/local-ipv4");
                if (!IPAddress.TryParse(address, out IPAddress? parsed)) throw new CannotStartException("EC2's metadata service tells no private address of this machine.");
                return new Machine(id, parsed, userData ? await GetAsync("user-data") : "");
            }
            catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
            {
                throw new CannotStartException("This machine was started without user data: give its settings as a file, --aws FILE.");
            }
            catch (Exception e) when ((e is HttpRequestException or OperationCanceledException) && !ct.IsCancellationRequested)
            {
                if (attempt == Attempts) throw new CannotStartException("EC2's metadata service does not answer: --aws is for machines of EC2's. A master elsewhere needs its settings as a file and its private address: --aws FILE --private ADDRESS:PORT.");
                await Task.Delay(s_pause, time, ct);
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<string> AskAsync(HttpMethod method, string path, (string Name, string Value) header, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path) { Headers = { { header.Name, header.Value } } };
        using HttpResponseMessage answer = await _http.SendAsync(request, ct);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadAsStringAsync(ct);
    }
}
