using System.Text;
using System.Text.RegularExpressions;
using GlobalCache.TestGrid.Regions;

namespace GlobalCache.TestGrid.Http;

/// <summary>Everything behind the grid's HTTP port: login, get_grid_info, capabilities, and the counters.</summary>
internal sealed partial class GridHttp(StandInGrid grid)
{
    private const string SeedType = "text/html;charset=UTF-8";
    private static readonly string Features = Encoding.UTF8.GetString(GridAssets.Resource("simulator-features.xml"));
    private readonly LoginPage login = new(grid);

    public async Task HandleAsync(HttpContext http)
    {
        string path = http.Request.Path.Value ?? "/";
        if (grid.Caps.TryFind(path, out Presence presence, out string cap))
        {
            await CapAsync(http, presence, cap);
            return;
        }

        switch (path.TrimEnd('/'))
        {
            case "" or "/next" when HttpMethods.IsPost(http.Request.Method): await login.HandleAsync(http, path); break;
            case "/get_grid_info": await Answer.TextAsync(http, "application/xml", GridInfo()); break;
            case "/counters": await Answer.TextAsync(http, "application/json", grid.Counters.ToJson()); break;
            case "/control/cross": await CrossAsync(http); break;
            default: await Answer.ErrorAsync(http, 404, SeedType); break;
        }
    }

    internal static async Task<string> BodyAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        return await reader.ReadToEndAsync(http.RequestAborted);
    }

    private async Task CapAsync(HttpContext http, Presence presence, string cap)
    {
        if (grid.Options.StrictAddresses && presence.Session.Address is { } address
            && !address.Equals(http.Connection.RemoteIpAddress?.MapToIPv4()))
        {
            // Someone else's capability: OpenSimulator refuses and throws the agent out.
            grid.End(presence.Session);
            await Answer.ErrorAsync(http, 403);
            return;
        }

        switch (cap)
        {
            case "Seed": await SeedAsync(http, presence); break;
            case "EventQueueGet": await PollAsync(http, presence); break;
            case "ViewerAsset" or "GetTexture" or "GetMesh" or "GetMesh2": await AssetCap.HandleAsync(http, grid); break;
            case "SimulatorFeatures": await FeaturesAsync(http); break;
            case "ExtEnvironment" or "EnvironmentSettings": await Answer.TextAsync(http, SeedType, Environment(presence.Region)); break;
            case "FetchInventoryDescendents2" or "FetchLibDescendents2": await InventoryAsync(http, presence); break;
            default: await Answer.TextAsync(http, SeedType, "<llsd><map /></llsd>"); break;
        }
    }

    private async Task SeedAsync(HttpContext http, Presence presence)
    {
        grid.Counters.Seed();
        string request = await BodyAsync(http);
        // Exactly this type: with a charset OpenSimulator does not know the path.
        if (!HttpMethods.IsPost(http.Request.Method) || http.Request.ContentType != "application/llsd+xml")
        {
            await Answer.ErrorAsync(http, 404, SeedType);
        }
        else if (grid.Faults.TakeSeedRefusal())
        {
            http.Response.Headers.RetryAfter = "30";
            await Answer.ErrorAsync(http, 503);
        }
        else
        {
            await Answer.TextAsync(http, SeedType, grid.Caps.SeedReply(presence, request));
        }
    }

    private async Task PollAsync(HttpContext http, Presence presence)
    {
        grid.Counters.Poll();
        string request = await BodyAsync(http);
        if (grid.Faults.TakeEventQueueReset())
        {
            http.Abort();
            return;
        }

        if (grid.Faults.EventQueueStatus is { } status)
        {
            await Answer.ErrorAsync(http, status);
            return;
        }

        if (DoneFlag().IsMatch(request))
        {
            presence.Queue.Close();
            await Answer.TextAsync(http, "application/xml", "<llsd><map><key>events</key><array /><key>id</key><integer>0</integer></map></llsd>");
            return;
        }

        string? reply = await presence.Queue.PollAsync(grid.Options.EventQueueTimeout, http.RequestAborted);
        if (reply is null) await Answer.ErrorAsync(http, 404);
        else if (reply.Length == 0) await Answer.ErrorAsync(http, 502);
        else await Answer.TextAsync(http, "application/xml", reply);
    }

    private async Task FeaturesAsync(HttpContext http)
    {
        if (grid.Faults.FeaturesLatency > TimeSpan.Zero) await Task.Delay(grid.Faults.FeaturesLatency, grid.Options.Time, http.RequestAborted);
        string features = Features.Replace("{name}", grid.Options.Name).Replace("{nick}", grid.Options.Nick);
        if (grid.Faults.HidesGridUrl) features = GridUrl().Replace(features, "");
        await Answer.TextAsync(http, SeedType, features.Replace("{grid}", grid.GridUrl));
    }

    private static async Task InventoryAsync(HttpContext http, Presence presence)
    {
        string request = await BodyAsync(http);
        var reply = new StringBuilder("<llsd><map><key>folders</key><array>");
        foreach (Match folder in FolderId().Matches(request))
        {
            reply.Append($"<map><key>folder_id</key><uuid>{folder.Groups["id"].Value}</uuid><key>agent_id</key><uuid>{presence.Session.AgentId}</uuid>")
                .Append($"<key>owner_id</key><uuid>{presence.Session.AgentId}</uuid><key>descendents</key><integer>0</integer>")
                .Append("<key>version</key><integer>1</integer><key>categories</key><array /><key>items</key><array /></map>");
        }

        await Answer.TextAsync(http, SeedType, reply.Append("</array></map></llsd>").ToString());
    }

    private static string Environment(Region region) =>
        $"<llsd><map><key>environment</key><map><key>day_length</key><integer>14400</integer><key>day_offset</key><integer>57600</integer>"
        + "<key>env_version</key><integer>1</integer><key>is_default</key><boolean>1</boolean><key>parcel_id</key><integer>-1</integer>"
        + $"<key>region_id</key><uuid>{region.Id}</uuid><key>track_altitudes</key><array><real>1000</real><real>2000</real><real>3000</real></array></map>"
        + "<key>parcel_id</key><integer>-1</integer><key>success</key><boolean>1</boolean></map></llsd>";

    private string GridInfo() =>
        $"<gridinfo><login>{grid.LoginUri}</login><gridname>{grid.Options.Name}</gridname><gridnick>{grid.Options.Nick}</gridnick>"
        + $"<platform>OpenSim</platform><welcome>{grid.LoginUri}welcome</welcome><economy>{grid.LoginUri}economy</economy>"
        + $"<register>{grid.LoginUri}register</register><password>{grid.LoginUri}password</password><help>{grid.LoginUri}help</help>"
        + $"<about>{grid.LoginUri}about</about><gatekeeper>{grid.LoginUri}</gatekeeper></gridinfo>";

    /// <summary>For programs outside: <c>/control/cross?first=Test&amp;last=User&amp;region=RigTwo</c> lets a user walk over a border.</summary>
    private async Task CrossAsync(HttpContext http)
    {
        IQueryCollection query = http.Request.Query;
        bool crossed = grid.Cross(query["first"].ToString(), query["last"].ToString(), query["region"].ToString());
        await Answer.TextAsync(http, "application/json", crossed ? """{"ok":true}""" : """{"ok":false}""");
    }

    [GeneratedRegex("<key>done</key><boolean>(?:1|true)</boolean>", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DoneFlag();

    [GeneratedRegex("<key>folder_id</key><uuid>(?<id>[^<]*)</uuid>", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FolderId();

    [GeneratedRegex("<key>GridURL</key><string>[^<]*</string>", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex GridUrl();
}
