using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Nodes;

/// <summary>Reports and certificate requests of nodes, on the private listener (<see cref="FleetApi"/>). Every refusal is the same empty 403.</summary>
/// <param name="reportKey">Under which nodes sign.</param>
/// <param name="desk">Knows who they are.</param>
/// <param name="issue">A certificate for a node and its request; null: the request is no good.</param>
/// <param name="epoch">Of the lease; null while it is not ours.</param>
internal sealed class FleetEndpoints(byte[] reportKey, ReportDesk desk, Func<string, byte[], X509Certificate2?> issue, Func<long?> epoch)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 4 };

    /// <summary>Adds the two routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(FleetApi.Reports, ReportAsync);
        routes.MapPost(FleetApi.Certificates, CertifyAsync);
    }

    private async Task ReportAsync(HttpContext context)
    {
        if (await SignedBody.ReadAsync<NodeReport>(context, reportKey, s_json) is not { Node: not null } report
            || !desk.Admits(report.Node, report.At, context.Connection.RemoteIpAddress) || !desk.Take(report))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        await context.Response.WriteAsJsonAsync(new ReportAnswer { Epoch = epoch() ?? 0 }, s_json, context.RequestAborted);
    }

    private async Task CertifyAsync(HttpContext context)
    {
        byte[] request = new byte[FleetApi.MaxBytes];
        if (await SignedBody.ReadAsync<CertificateRequestBody>(context, reportKey, s_json) is not { Node: not null, Request: not null } asked
            || !Convert.TryFromBase64String(asked.Request, request, out int length)
            || !desk.Admits(asked.Node, asked.At, context.Connection.RemoteIpAddress) || issue(asked.Node, request[..length]) is not { } given)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        using (given) await context.Response.WriteAsJsonAsync(new NodeCertificate { Certificate = Convert.ToBase64String(given.RawData) }, s_json, context.RequestAborted);
    }
}
