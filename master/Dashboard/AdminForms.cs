using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>
/// The operator's forms, each beside what it is about. They stand outside the live sections, so that what is half typed stays. The page's script sends what a form's
/// fields are named as the body of the call that the form names, and shows the answer's sentence in it.
/// </summary>
internal static class AdminForms
{
    /// <summary>Those of a live section; most have none.</summary>
    public static void Of(Html html, string section, MasterState state)
    {
        if (section == "nodes") OfNodes(html, state.IsHeld);
        else if (section == "limits") OfLimits(html);
    }

    /// <summary>Those about people and assets.</summary>
    public static void OfMembers(Html html)
    {
        html.Add($"<details id=\"members\"><summary>Who belongs to the grid</summary><table><thead><tr><th scope=\"col\">Id</th><th scope=\"col\">Branch</th><th scope=\"col\">Since</th><th scope=\"col\">State</th></tr></thead><tbody></tbody></table></details>");
        Begin(html, "revoke", "POST", AdminApi.Revocations, sure: "Shut out for good?");
        html.Add($"<label>Invite, client or branch <input name=\"id\" maxlength=\"64\" autocomplete=\"off\" required></label> <button>Shut out</button>");
        End(html);
        Begin(html, "ban", "POST", AdminApi.Bans);
        html.Add($"<label>Virtual world <input name=\"grid\" maxlength=\"253\" autocomplete=\"off\" required></label> <label>Kind <select name=\"type\"><option>texture<option>sound<option>animation<option>mesh</select></label> ");
        html.Add($"<label>UUID <input name=\"id\" maxlength=\"36\" autocomplete=\"off\" required></label> <label><select name=\"banned\" aria-label=\"What to do\"><option value=\"true\">take it down<option value=\"false\">let it in again</select></label> <button>Do it</button>");
        End(html);
        Begin(html, "end-sessions", "DELETE", AdminApi.SessionKeys, sure: "End all sessions?");
        html.Add($"<button>End all sessions</button> <span class=\"note\">When a key may be in wrong hands: clients get new ones by themselves.</span>");
        End(html);
    }

    private static void OfNodes(Html html, bool isHeld)
    {
        Begin(html, "retire", "POST", AdminApi.Retirements);
        html.Add($"<label>Node <input name=\"node\" maxlength=\"32\" placeholder=\"0.3\" autocomplete=\"off\" required></label> <button>Retire</button>");
        End(html);
        Begin(html, "hold", isHeld ? "DELETE" : "PUT", AdminApi.Hold, sure: isHeld ? "" : "Retire all nodes? Nobody is served until the fleet runs again.", isAnew: true);
        if (isHeld) html.Add($"<button>Let the fleet run again</button> <span class=\"note\">All nodes are retired.</span>");
        else html.Add($"<button>Retire all nodes</button>");
        End(html);
    }

    private static void OfLimits(Html html)
    {
        Begin(html, "limit", "PATCH", AdminApi.Limits);
        foreach ((string name, string meaning, string step) in ((string, string, string)[])
            [("min", "Nodes at least", "1"), ("max", "Nodes at most", "1"), ("launchesPerHour", "Launches an hour", "1"), ("nodeHoursPerDay", "Node-hours a day", "any"), ("spendPerHour", "Spend an hour", "any"), ("spendPerDay", "Spend a day", "any")])
            html.Add($"<label>{meaning} <input name=\"{name}\" type=\"number\" min=\"0\" step=\"{step}\"></label> ");
        html.Add($"<button>Set</button> <span class=\"note\">What is left empty stays.</span>");
        End(html);
    }

    private static void Begin(Html html, string id, string method, string path, string sure = "", bool isAnew = false) =>
        html.Add($"<form id=\"{id}\" class=\"order\" data-method=\"{method}\" data-path=\"{path}\" data-sure=\"{sure}\" data-anew=\"{(isAnew ? "yes" : "")}\">");

    private static void End(Html html) => html.Add($" <output></output></form>");
}
