using System.Globalization;
using System.Security;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using GlobalCache.TestGrid.Regions;

namespace GlobalCache.TestGrid.Http;

/// <summary>
/// <c>login_to_simulator</c> by XML-RPC or LLSD (PROTOCOL §2). The XML-RPC reply is the recorded one with this login's
/// values put in, so its odd types and order are OpenSimulator's; the LLSD reply is made from it.
/// </summary>
internal sealed class LoginPage(StandInGrid grid)
{
    private static readonly string Reply = Encoding.UTF8.GetString(GridAssets.Resource("login.xml"));

    public async Task HandleAsync(HttpContext http, string path)
    {
        grid.Counters.Login();
        string body = await GridHttp.BodyAsync(http);
        bool llsd = http.Request.ContentType?.StartsWith("application/llsd+xml", StringComparison.Ordinal) == true;
        Dictionary<string, string> asked;
        try
        {
            asked = llsd ? ReadLlsd(body) : ReadXmlRpc(body);
        }
        catch (XmlException)
        {
            await Answer.ErrorAsync(http, 400, "text/plain");
            return;
        }

        string reply = Decide(asked, redirected: path.StartsWith("/next", StringComparison.Ordinal));
        if (llsd)
        {
            await Answer.TextAsync(http, "application/llsd+xml", ToLlsd(reply));
            return;
        }

        http.Response.Headers.AccessControlAllowOrigin = "*";
        http.Response.OnStarting(() =>
        {
            http.Response.Headers.Connection = "close";
            http.Response.Headers.Remove("Keep-Alive");
            return Task.CompletedTask;
        });
        await Answer.TextAsync(http, "text/xml", reply);
    }

    private string Decide(Dictionary<string, string> asked, bool redirected)
    {
        string Field(string name) => asked.GetValueOrDefault(name, "");
        bool Agreed(string name) => Field(name) is "1" or "true";
        GridUser? user = grid.Options.Users.FirstOrDefault(u =>
            u.First.Equals(Field("first"), StringComparison.OrdinalIgnoreCase) && u.Last.Equals(Field("last"), StringComparison.OrdinalIgnoreCase));
        if (user is null || !user.Knows(Field("passwd")))
            return Refusal("key", "Could not authenticate your avatar. Please check your username and password, and check the grid if problems persist.");
        switch (user.Manner)
        {
            case LoginManner.TermsOfService when !Agreed("agree_to_tos"): return Refusal("tos", "Please agree to the terms of service.");
            case LoginManner.Critical when !Agreed("read_critical"): return Refusal("critical", "Please read this critical message.");
            case LoginManner.Presence: return Refusal("presence", "You appear to be already logged in.");
            case LoginManner.Update: return Refusal("update", "This viewer is too old.");
            case LoginManner.OneTimeCode when Field("token") != GridUser.OneTimeCode && Field("mfa_hash") != MfaHash(user):
                return Refusal("mfa_challenge", "Give the code.", ("message_id", "LoginMFATokenRequired"));
            case LoginManner.Indeterminate when !redirected:
                return Struct([("login", "indeterminate"), ("next_url", grid.Base + "/next"), ("next_method", "login_to_simulator"),
                    ("message", "Please wait."), ("next_duration", "1")]);
            default: return Welcome(user, Field("start"));
        }
    }

    private string Welcome(GridUser user, string start)
    {
        Region region = grid.StartRegion(start);
        GridSession session = grid.Begin(user, region);
        Presence presence = region.Admit(session, asNeighbour: false, out _);
        string reply = Reply
            .Replace("{agent_id}", session.AgentId.ToString()).Replace("{session_id}", session.SessionId.ToString())
            .Replace("{secure_session_id}", session.SecureSessionId.ToString()).Replace("{first_name}", SecurityElement.Escape(user.First))
            .Replace("{last_name}", SecurityElement.Escape(user.Last))
            .Replace("{circuit_code}", ((int)session.CircuitCode).ToString(CultureInfo.InvariantCulture))
            .Replace("{sim_ip}", region.EndPoint.Address.ToString()).Replace("{sim_port}", region.EndPoint.Port.ToString(CultureInfo.InvariantCulture))
            .Replace("{seed_capability}", presence.Seed).Replace("{map-server-url}", grid.LoginUri.ToString())
            .Replace("{region_x}", (region.Plan.X * 256).ToString(CultureInfo.InvariantCulture))
            .Replace("{region_y}", (region.Plan.Y * 256).ToString(CultureInfo.InvariantCulture))
            .Replace("{start_location}", "last").Replace("{message}", "Welcome, Avatar!")
            .Replace("{seconds_since_epoch}", grid.Options.Time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        if (user.Manner != LoginManner.OneTimeCode) return reply;
        return reply.Replace("<struct><member><name>inventory-lib-root</name>",
            $"<struct><member><name>mfa_hash</name><value><string>{MfaHash(user)}</string></value></member><member><name>inventory-lib-root</name>");
    }

    private static string MfaHash(GridUser user) => user.AgentId.ToString("N");

    private static string Refusal(string reason, string message, params (string Name, string Value)[] more) =>
        Struct([("reason", reason), ("message", message), ("login", "false"), .. more]);

    private static string Struct((string Name, string Value)[] members) =>
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><methodResponse><params><param><value><struct>"
        + string.Concat(members.Select(m => $"<member><name>{m.Name}</name><value><string>{SecurityElement.Escape(m.Value)}</string></value></member>"))
        + "</struct></value></param></params></methodResponse>";

    private static Dictionary<string, string> ReadXmlRpc(string body) => Parse(body).Descendants("member")
        .GroupBy(m => m.Element("name")?.Value ?? "").ToDictionary(g => g.Key, g => g.First().Element("value")?.Value ?? "");

    private static Dictionary<string, string> ReadLlsd(string body) => Parse(body).Descendants("key")
        .GroupBy(k => k.Value).ToDictionary(g => g.Key, g => (g.First().NextNode as XElement)?.Value ?? "");

    private static XDocument Parse(string body)
    {
        using var reader = XmlReader.Create(new StringReader(body), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, IgnoreWhitespace = true });
        return XDocument.Load(reader);
    }

    private static string ToLlsd(string xmlRpc) => new XElement("llsd", Value(Parse(xmlRpc).Descendants("param").First().Element("value")!))
        .ToString(SaveOptions.DisableFormatting);

    private static XElement Value(XElement value)
    {
        XElement? typed = value.Elements().FirstOrDefault();
        return typed?.Name.LocalName switch
        {
            "struct" => new XElement("map", typed.Elements("member").SelectMany(m =>
                new[] { new XElement("key", m.Element("name")!.Value), Value(m.Element("value")!) })),
            "array" => new XElement("array", typed.Descendants("data").First().Elements("value").Select(Value)),
            "i4" or "int" => new XElement("integer", typed.Value),
            _ => new XElement("string", value.Value),
        };
    }
}
