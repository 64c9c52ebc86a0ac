using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>
/// The one page: whole as it leaves the server, so that it is readable without a script, and then kept up to date by one. Nothing of it comes from elsewhere, and
/// the browser is told to fetch, run and send nothing but what is this server's own.
/// </summary>
internal static class Page
{
    /// <summary>No inline script or style, no other host, no frame around it.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

    private static readonly (string Id, string Title)[] s_sections =
        [("plan", "What is decided"), ("plots", "The last 24 hours"), ("nodes", "Nodes"), ("dns", "DNS"), ("limits", "How near the limits are"), ("decisions", "Decisions and steps")];

    /// <summary>The page.</summary>
    /// <param name="state">What it shows.</param>
    /// <param name="parts">Its live sections.</param>
    /// <param name="token">Of the operator who is signed in; null: nobody is.</param>
    /// <param name="canSignIn">There is an admin code.</param>
    public static string Of(MasterState state, IReadOnlyList<Part> parts, string? token, bool canSignIn)
    {
        Dictionary<string, Raw> live = parts.ToDictionary(p => p.Id, p => new Raw(p.Html));
        Html html = Head(state.Grid, token, withoutScript: true);
        html.Add($"<header><h1>GlobalCache <span>{state.Grid}</span></h1><p><span id=\"line\" class=\"line\" role=\"status\">as of</span> <span id=\"clock\">{live["clock"]}</span></p></header><main>");
        html.Add($"<section id=\"alarms\" role=\"status\" aria-label=\"Alarms\">{live["alarms"]}</section><section id=\"tiles\" aria-label=\"Now\">{live["tiles"]}</section>");
        foreach ((string id, string title) in s_sections)
        {
            html.Add($"<section class=\"box\" aria-labelledby=\"of-{id}\"><h2 id=\"of-{id}\">{title}</h2><div id=\"{id}\">{live[id]}</div>");
            if (token is not null) AdminForms.Of(html, id, state);
            html.Add($"</section>");
        }

        Admin(html, token, canSignIn);
        return html.Add($"</main><footer><a href=\"{MasterApi.State}\">State as JSON</a> <a href=\"/metrics\">Metrics</a> <a href=\"/scalar/v1\">Interface</a></footer></body></html>").ToString();
    }

    /// <summary>What somebody from elsewhere sees, who is not signed in.</summary>
    public static string Door(bool canSignIn)
    {
        Html html = Head("", token: null, withoutScript: false).Add($"<header><h1>GlobalCache</h1></header><main>");
        Admin(html, token: null, canSignIn);
        return html.Add($"</main></body></html>").ToString();
    }

    private static Html Head(string grid, string? token, bool withoutScript)
    {
        Html html = new Html().Add($"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{(grid.Length > 0 ? $"{grid} · " : "")}GlobalCache</title><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.Add($"<meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/dashboard.css\"><script src=\"/dashboard.js\" defer></script>");
        if (token is not null) html.Add($"<meta name=\"gc-admin-token\" content=\"{token}\">");
        if (withoutScript) html.Add($"<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>");
        return html.Add($"</head><body>");
    }

    // Outside the live sections: the keyboard stays where it is.
    private static void Admin(Html html, string? token, bool canSignIn)
    {
        html.Add($"<section class=\"box\" aria-labelledby=\"of-admin\"><h2 id=\"of-admin\">Operator</h2>");
        if (token is not null)
        {
            html.Add($"<form id=\"invite\"><p>An invite lets in one person, for good: hand it over by a way that nobody else reads.</p><button>Make an invite</button></form>");
            html.Add($"<output id=\"invite-text\" form=\"invite\"></output>");
            AdminForms.OfMembers(html);
            html.Add($"<form id=\"sign-out\"><button>Sign out</button></form><p id=\"said\" role=\"alert\"></p>");
        }
        else if (canSignIn)
        {
            html.Add($"<form id=\"sign-in\"><label for=\"code\">Admin code</label> <input id=\"code\" name=\"code\" type=\"password\" autocomplete=\"current-password\" maxlength=\"256\" required> <button>Sign in</button></form><p id=\"said\" role=\"alert\"></p>");
            html.Add($"<noscript><p class=\"note\">Signing in needs the page's script.</p></noscript>");
        }
        else
        {
            html.Add($"<p class=\"note\">This master has no admin code, so nobody can sign in.</p>");
        }

        html.Add($"</section>");
    }
}
