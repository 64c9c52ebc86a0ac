using System.Globalization;
using System.Net;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>A grid said no: its reason and its message.</summary>
public sealed class LoginRefusedException(string reason, string message) : Exception($"{reason}: {message}")
{
    /// <summary>key, tos, critical, update, presence, mfa_challenge …</summary>
    public string Reason { get; } = reason;
}

/// <summary>What a login reply tells a viewer.</summary>
internal sealed record ViewerLogin(Guid AgentId, Guid SessionId, uint CircuitCode, IPEndPoint Sim, string Seed)
{
    /// <summary>Posts <c>login_to_simulator</c> by XML-RPC as viewers do, and follows "indeterminate" replies.</summary>
    public static async Task<ViewerLogin> PostAsync(HttpClient http, Uri loginUri, SimulatedViewerOptions options, CancellationToken cancelled)
    {
        for (int hops = 0; ; hops++)
        {
            using var body = new ByteArrayContent(Encoding.UTF8.GetBytes(Request(options)));
            body.Headers.ContentType = new("text/xml");
            using HttpResponseMessage reply = await http.PostAsync(loginUri, body, cancelled);
            reply.EnsureSuccessStatusCode();
            string text = await reply.Content.ReadAsStringAsync(cancelled);
            Dictionary<string, string> fields = XDocument.Parse(text).Descendants("struct").First().Elements("member")
                .ToDictionary(m => m.Element("name")!.Value, m => m.Element("value")!.Value);
            switch (fields.GetValueOrDefault("login"))
            {
                case "true":
                    return new ViewerLogin(Guid.Parse(fields["agent_id"]), Guid.Parse(fields["session_id"]),
                        (uint)long.Parse(fields["circuit_code"], CultureInfo.InvariantCulture),
                        new IPEndPoint(IPAddress.Parse(fields["sim_ip"]), int.Parse(fields["sim_port"], CultureInfo.InvariantCulture)),
                        fields["seed_capability"]);
                case "indeterminate" when hops < 5:
                    loginUri = new Uri(fields["next_url"]);
                    break;
                default:
                    throw new LoginRefusedException(fields.GetValueOrDefault("reason", "?"), fields.GetValueOrDefault("message", ""));
            }
        }
    }

    private static string Request(SimulatedViewerOptions options)
    {
#pragma warning disable CA5351 // The protocol's own password hash.
        string hash = "$1$" + Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(options.Password)));
#pragma warning restore CA5351
        (string Name, string Value)[] fields =
        [
            ("first", options.First), ("last", options.Last), ("passwd", hash), ("start", options.Start), ("channel", "Simulated Viewer"),
            ("version", "1.0.0.1"), ("platform", "lnx"), ("mac", "00000000000000000000000000000001"), ("id0", "00000000000000000000000000000001"),
            ("token", options.Token), ("mfa_hash", ""), ("agree_to_tos", options.AgreesToEverything ? "1" : ""),
            ("read_critical", options.AgreesToEverything ? "1" : ""),
        ];
        string[] wanted = ["inventory-root", "inventory-skeleton", "buddy-list", "login-flags", "global-textures"];
        return "<?xml version=\"1.0\"?><methodCall><methodName>login_to_simulator</methodName><params><param><value><struct>"
            + string.Concat(fields.Select(f => $"<member><name>{f.Name}</name><value><string>{SecurityElement.Escape(f.Value)}</string></value></member>"))
            + "<member><name>options</name><value><array><data>"
            + string.Concat(wanted.Select(w => $"<value><string>{w}</string></value>"))
            + "</data></array></value></member></struct></value></param></params></methodCall>";
    }
}
