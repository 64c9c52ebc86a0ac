using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;
using Microsoft.OpenApi;

namespace GlobalCache.Master.Dashboard;

/// <summary>What the OpenAPI document says of a master's calls. A test holds the table and the routes against each other.</summary>
internal static class MasterCalls
{
    private const string Json = "application/json", Text = "text/plain", Html = "text/html", Stream = "text/event-stream", Session = "admin";
    private const string NoSession = "By the public listener, or from outside the private network, without the admin session.";

    private static readonly ApiHeader s_token = new(MasterApi.TokenHeader, "The session's token."), s_signature = new(FleetApi.SignatureHeader, "Base64url of the HMAC-SHA256 under the report key.");

    private static readonly ApiAnswer s_outside = new(401, NoSession), s_name = new(421, "By a name that is not this server's.");

    private static readonly ApiAnswer[] s_admin = [new(401, "No admin session."), new(403, "Not the session's token, or another site's page."), s_name];

    private static readonly ApiAnswer[] s_acts = [.. s_admin, Said(503, "Not known whether it stands: to be repeated.", [ApiCall.Later])];

    private static readonly ApiAnswer s_stands = Said(200, "It stands."), s_bad = Said(400, "The body is not what it should be; the sentence says what."), s_ones = Said(409, "The machines are the operator's own.");

    /// <summary>The table.</summary>
    public static ApiTable Table { get; } = new("GlobalCache master", "The grid's nodes, opened and closed with its demand. Enrolment and sessions are public, in HTTPS under the grid's own CA; there the operator's calls and the dashboard need the admin session too. What nodes say is on the private listener alone, where the state may be read without a session.",
        new Dictionary<(string Method, string Path), ApiCall>(EnrolmentCalls.All)
        {
            [("GET", NodeApi.Health)] = new("Is the process alive?", "On both listeners.", null, [], [new(200, "It is.")]),
            [("POST", FleetApi.Reports)] = new("How a node does", "From the address of an instance of the fleet alone, every 2 s.", typeof(NodeReport), [s_signature],
                [new(200, "Heard.", Json, typeof(ReportAnswer)), new(403, "Not signed, too old, said before, beyond all measure, or not from an address of the fleet.")], Body: Json),
            [("POST", FleetApi.Certificates)] = new("A node's certificate", "For the sender's own name, good for 48 h.", typeof(CertificateRequestBody), [s_signature],
                [new(200, "The certificate.", Json, typeof(NodeCertificate)), new(403, "As for reports, or for a name that is not the sender's.")], Body: Json),
            [("GET", "/")] = new("The dashboard", "One page, whole as it leaves the server, and live by a script of its own.", null, [], [new(200, "The page.", Html), new(401, "As below: the page to sign in.", Html), s_name]),
            [("GET", "/dashboard.css")] = new("Of the page", "How it looks.", null, [], [new(200, "CSS.", "text/css"), s_name]),
            [("GET", "/dashboard.js")] = new("Of the page", "Its script.", null, [], [new(200, "JavaScript.", "text/javascript"), s_name]),
            [("GET", "/icon.svg")] = new("Of the page", "Its icon.", null, [], [new(200, "SVG.", "image/svg+xml"), s_name]),
            [("GET", "/live")] = new("Of the page", "Its sections, each as an event when it has changed; bounded as the events below.", null, [], [new(200, "Events without end.", Stream), s_outside, s_name, new(503, "64 read along.", null, null, [ApiCall.Later])]),
            [("GET", MasterApi.State)] = new("What the master sees, does and costs", "At most a second old. No asset, client or address of a client.", null, [], [new(200, "The state.", Json, typeof(MasterState)), s_outside, s_name]),
            [("GET", MasterApi.Events)] = new("The same, live", "Events named “state”: the last at once, then when something has changed, at most one a second and at least one in 10 s. Slow readers miss some.", null, [],
                [new(200, "Events without end, each with a state as its data.", Stream), s_outside, s_name, new(503, "64 read along.", null, null, [ApiCall.Later])]),
            [("GET", "/metrics")] = new("Figures for Prometheus", "No asset, client or address is a label.", null, [], [new(200, "Prometheus text format 0.0.4.", Text), s_outside, s_name]),
            [("POST", MasterApi.AdminSession)] = new("The operator signs in", "For 12 h without a call. Five wrong tries a minute from an address.", typeof(AdminSignIn), [],
                [new(200, "The token; the session itself is a cookie.", Json, typeof(AdminWelcome)), new(403, "Not the code, or another site's page."), s_name, new(429, "Too many tries.", null, null, [ApiCall.Later])], Body: Json),
            [("DELETE", MasterApi.AdminSession)] = new("The operator signs out", "The session is over, whoever has its cookie.", null, [s_token], [new(204, "It is over."), .. s_admin], Security: Session),
            [("POST", MasterApi.Invites)] = new("An invite", "For one person, at the top of a branch.", null, [s_token], [new(200, "The invite.", Json, typeof(NewInvite)), Said(409, "Too many are open."), .. s_acts], Security: Session),
            [("GET", AdminApi.Members)] = new("Who belongs to the grid", "Clients and invites, by the ids they are revoked by.", null, [], [new(200, "All of them.", Json, typeof(AdminMembers)), .. s_acts], Security: Session),
            [("POST", AdminApi.Revocations)] = new("Shut out", "Takes back an invite, or shuts out a client or a branch, on all nodes within 30 s.", typeof(AdminRevocation), [s_token],
                [s_stands, s_bad, Said(404, "No such invite, client or branch."), Said(409, "The invite was used; the sentence names the client."), .. s_acts], Session, Json),
            [("POST", AdminApi.Bans)] = new("Take down", "Takes an asset out of the cache on all nodes within 30 s, or lets it in again.", typeof(AdminBan), [s_token], [s_stands, s_bad, .. s_acts], Session, Json),
            [("POST", AdminApi.Trust)] = new("Believe a client alone", "Such as the grid's own uploader; from its next session on, within 2 h.", typeof(AdminTrust), [s_token], [s_stands, s_bad, Said(404, "No such client, or it is revoked."), .. s_acts], Session, Json),
            [("POST", AdminApi.Throttles)] = new("Throttle a branch", "It gets a tenth of its quota, on all nodes within 30 s.", typeof(AdminThrottle), [s_token], [s_stands, s_bad, Said(404, "No such branch."), .. s_acts], Session, Json),
            [("GET", AdminApi.Limits)] = new("The limits", "What the fleet may be and cost; how near it is stands in the state.", null, [], [new(200, "All of them.", Json, typeof(AdminLimits)), .. s_acts], Security: Session),
            [("PATCH", AdminApi.Limits)] = new("Set limits", "Those that are named; within what AWS itself allows the master.", typeof(AdminLimits), [s_token],
                [new(200, "All of them, as they are then.", Json, typeof(AdminLimits)), Said(400, "Not within their ranges; nothing is changed."), .. s_acts], Session, Json),
            [("DELETE", AdminApi.SessionKeys)] = new("End all sessions", "Within 30 s no session is good that was given before; clients get new ones by themselves.", null, [s_token], [s_stands, .. s_acts], Security: Session),
            [("POST", AdminApi.Retirements)] = new("Retire a node", "It leaves the DNS now and ends when its traffic has; another takes its place if one is needed.", typeof(AdminRetirement), [s_token],
                [s_stands, s_bad, Said(404, "No such node runs."), s_ones, .. s_acts], Session, Json),
            [("PUT", AdminApi.Hold)] = new("Retire all nodes", "Each ends when its traffic has, and none is opened, by whichever master, until this is lifted.", null, [s_token], [s_stands, s_ones, .. s_acts], Security: Session),
            [("DELETE", AdminApi.Hold)] = new("Let the fleet run again", "Nodes that have not ended yet may be called back.", null, [s_token], [s_stands, .. s_acts], Security: Session),
        })
    {
        Security = { [Session] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Cookie, Name = "gc-admin", Description = $"From POST {MasterApi.AdminSession}; over https its name begins with __Host-." } },
    };

    private static ApiAnswer Said(int status, string meaning, IReadOnlyList<ApiHeader>? headers = null) => new(status, meaning, Json, typeof(AdminAnswer), headers);
}
