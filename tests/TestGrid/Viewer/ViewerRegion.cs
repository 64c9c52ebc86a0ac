using System.Globalization;
using System.Net;
using System.Text;
using System.Xml.Linq;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>One event from an event queue: its name and its LLSD body.</summary>
internal sealed record ViewerEvent(ViewerRegion From, string Message, XElement Body)
{
    /// <summary>The value of the first key of this name, at whatever depth.</summary>
    public XElement? Value(string key) => Body.DescendantsAndSelf("key").FirstOrDefault(k => k.Value == key)?.NextNode as XElement;

    public IPAddress Address(string key) => new(Convert.FromBase64String(Value(key)!.Value));

    public int Number(string key) => int.Parse(Value(key)!.Value, CultureInfo.InvariantCulture);
}

/// <summary>
/// A region's HTTP side as a viewer keeps it: the capabilities behind its seed, and one long poll that reacts to answers as
/// PROTOCOL §4.1 says viewers do: what ends a viewer's poll for good ends this one.
/// </summary>
internal sealed class ViewerRegion : IAsyncDisposable
{
    private static readonly string[] Asked =
    [
        "EventQueueGet", "ViewerAsset", "GetTexture", "GetMesh", "GetMesh2", "SimulatorFeatures", "ExtEnvironment",
        "FetchInventoryDescendents2", "ViewerBenefits", "VTPBR", "ObjectAnimation",
    ];

    private readonly HttpClient http;
    private readonly TimeProvider time;
    private readonly Action<ViewerEvent> heard;
    private readonly bool pollsAgain;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task running;

    public ViewerRegion(HttpClient http, IPEndPoint sim, string seed, Action<ViewerEvent> heard, TimeProvider time, bool pollsAgain)
    {
        (this.http, Sim, Seed, this.heard, this.time, this.pollsAgain) = (http, sim, seed, heard, time, pollsAgain);
        Capabilities = AskAsync();
        running = Task.Run(PollAsync);
    }

    public IPEndPoint Sim { get; }

    public string Seed { get; }

    /// <summary>Name to URL; faults when the seed cannot be had.</summary>
    public Task<IReadOnlyDictionary<string, string>> Capabilities { get; }

    /// <summary>Polls that ended in an error in less than 10 s: after ten in a row a viewer logs out.</summary>
    public int HastyErrors { get; private set; }

    /// <summary>Polls that ended without events after 10 s or more, as they should.</summary>
    public int QuietPolls { get; private set; }

    /// <summary>What ended the polling for good, if not the viewer itself.</summary>
    public string? PollingEnded { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await running;
        stopping.Dispose();
    }

    private async Task<IReadOnlyDictionary<string, string>> AskAsync()
    {
        string body = "<llsd><array>" + string.Concat(Asked.Select(a => $"<string>{a}</string>")) + "</array></llsd>";
        for (int attempt = 0; ; attempt++)
        {
            using HttpResponseMessage reply = await PostAsync(Seed, body);
            if (reply.StatusCode == HttpStatusCode.ServiceUnavailable && attempt < 30)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), time, stopping.Token);
                continue;
            }

            reply.EnsureSuccessStatusCode();
            XElement map = XDocument.Parse(await reply.Content.ReadAsStringAsync(stopping.Token)).Root!.Element("map")!;
            return map.Elements("key").Where(k => k.NextNode is XElement { Name.LocalName: "string" })
                .ToDictionary(k => k.Value, k => ((XElement)k.NextNode!).Value);
        }
    }

    private async Task PollAsync()
    {
        string ack = "<undef />";
        try
        {
            if (!(await Capabilities).TryGetValue("EventQueueGet", out string? url)) return;
            while (true)
            {
                long asked = time.GetTimestamp();
                using HttpResponseMessage? reply = await AskAsync(url, ack);
                if (reply is null) continue;
                if (reply.StatusCode == HttpStatusCode.OK)
                {
                    XElement? map = XDocument.Parse(await reply.Content.ReadAsStringAsync(stopping.Token)).Root!.Element("map");
                    XElement? id = map?.Elements("key").FirstOrDefault(k => k.Value == "id")?.NextNode as XElement;
                    if (id is null) continue;
                    ack = id.ToString(SaveOptions.DisableFormatting);
                    Dispatch(map!);
                }
                else if (reply.StatusCode == HttpStatusCode.NotFound)
                {
                    PollingEnded = "404";
                    return;
                }
                else if (time.GetElapsedTime(asked) >= TimeSpan.FromSeconds(10) && (int)reply.StatusCode is 500 or 502 or 503 or 504)
                {
                    QuietPolls++;
                }
                else
                {
                    HastyErrors++;
                    await Task.Delay(TimeSpan.FromSeconds(15 + 5 * HastyErrors), time, stopping.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Leaving.
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or System.Xml.XmlException)
        {
            // Refused, reset, cut: viewers stop polling for good.
            if (!stopping.IsCancellationRequested) PollingEnded = broken.Message;
        }
    }

    private async Task<HttpResponseMessage?> AskAsync(string url, string ack)
    {
        try
        {
            return await PostAsync(url, $"<llsd><map><key>ack</key>{ack}<key>done</key><boolean>0</boolean></map></llsd>");
        }
        catch (Exception broken) when (pollsAgain && (broken is HttpRequestException or IOException))
        {
            await Task.Delay(TimeSpan.FromSeconds(1), time, stopping.Token);
            return null;
        }
    }

    private void Dispatch(XElement map)
    {
        if (map.Elements("key").FirstOrDefault(k => k.Value == "events")?.NextNode is not XElement events) return;
        foreach (XElement one in events.Elements("map"))
        {
            string name = ((XElement)one.Elements("key").First(k => k.Value == "message").NextNode!).Value;
            heard(new ViewerEvent(this, name, (XElement)one.Elements("key").First(k => k.Value == "body").NextNode!));
        }
    }

    private async Task<HttpResponseMessage> PostAsync(string url, string llsd)
    {
        using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(llsd));
        body.Headers.ContentType = new("application/llsd+xml");
        return await http.PostAsync(new Uri(url), body, stopping.Token);
    }
}
