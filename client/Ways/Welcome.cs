using System.Text;

namespace GlobalCache.Client.Ways;

/// <summary>What the program prints once it runs: the exact line or preference for each viewer.</summary>
internal static class Welcome
{
    public static string Text(ClientOptions options, ClientApp app)
    {
        var text = new StringBuilder();
        text.AppendLine($"GlobalCache is running on {app.Endpoint} for {options.LoginUri.Authority}. Ctrl-C stops it.");
        if (options.WebProxy)
        {
            text.AppendLine().AppendLine("Web proxy (the viewer stays in its own grid mode; no password passes)")
                .AppendLine($"  Second Life Viewer  Preferences > Setup > Proxy settings: web proxy {app.Endpoint.Address}, port {app.Port}; other HTTP traffic: use web proxy")
                .AppendLine($"  Firestorm           Preferences > Network & Files > Proxy configuration: the same")
                .AppendLine($"  or for one run      VIEWER {string.Join(' ', ViewerLaunch.Arguments(options, app))}");
        }
        if (options.CdnHost is not null)
        {
            text.AppendLine().AppendLine("CDN host (assets alone)").AppendLine($"  hosts file          {app.Endpoint.Address} {options.CdnHost}");
            if (app.Port != 80) text.AppendLine("  and start it on port 80, where viewers look for that host: --port 80");
        }
        if (options is { SecondLife: true, WebProxy: false, CdnHost: null })
        {
            text.AppendLine().AppendLine("For Second Life start this with --web-proxy, or start the viewer by it (run VIEWER):")
                .AppendLine("its own viewer and Firestorm go there by themselves, whatever login page they are given.");
        }
        // What today's viewers do not read for Second Life is not said beside what they do (ADR 28).
        if (options.LoginProxy && !(options.SecondLife && options.WebProxy))
        {
            text.AppendLine().AppendLine("Login proxy (everything)")
                .AppendLine($"  Firestorm           firestorm --grid {app.GridName}")
                .AppendLine($"                      or Preferences > Opensim > Add new grid: {app.LoginUri}")
                .AppendLine($"  other viewers       VIEWER --loginuri {app.LoginUri}");
        }
        if (options.Assets is not null)
        {
            text.AppendLine().AppendLine("Asset-only (for a viewer with that test hook)")
                .AppendLine($"  any viewer          VIEWERASSET={app.AssetUri} VIEWER");
        }
        text.AppendLine().AppendLine($"What it does, and what that saves you: {app.PageUri}");
        return text.ToString().TrimEnd();
    }
}
