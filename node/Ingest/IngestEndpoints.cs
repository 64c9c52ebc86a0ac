using System.Globalization;
using System.Text.Json;
using FluentValidation.Results;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.Http.Features;

namespace GlobalCache.Node.Ingest;

/// <summary>What the endpoints of ingest need.</summary>
/// <param name="Keys">The grid's secrets.</param>
/// <param name="Ledger">Its revoked branches by <see cref="ClaimTags.Revoked"/>.</param>
/// <param name="Accounts">Disputes of the day, and who is believed.</param>
/// <param name="Rules">What the owner has laid down.</param>
/// <param name="Caller">Who asks; null: no valid session.</param>
/// <param name="Memory">What uploads under way may take.</param>
/// <param name="Time">Wall clock and deadlines.</param>
internal sealed record IngestParts(
    GridKeys Keys, Ledger Ledger, BranchAccounts Accounts, IngestRules Rules, Func<HttpContext, ValueTask<Caller?>> Caller, UploadMemory Memory, TimeProvider Time);

/// <summary>
/// Claims, uploads and disputes over HTTPS (<see cref="NodeApi"/>). 400 and 422 say in one sentence what is wrong; 401 no session, 403 not signed by
/// the session's client, or imported by somebody who is not trusted to; 503 when the store cannot say, or nothing more fits in: to be repeated, which does no harm.
/// </summary>
internal sealed class IngestEndpoints
{
    private const int MostBatchBytes = 256 << 10;
    private static readonly TimeSpan BodyDeadline = TimeSpan.FromMinutes(2);
    private static readonly ClaimBatchValidator s_valid = new();

    private readonly IngestParts _parts;
    private readonly ClaimIntake _claims;
    private readonly UploadIntake _uploads;

    private IngestEndpoints(IngestParts parts)
    {
        _parts = parts;
        _claims = new ClaimIntake(parts.Keys, parts.Ledger, new BranchBook(parts.Keys, parts.Accounts), parts.Rules, parts.Time);
        _uploads = new UploadIntake(parts.Keys, parts.Ledger, parts.Rules);
    }

    /// <summary>Adds the three routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, IngestParts parts)
    {
        var ingest = new IngestEndpoints(parts);
        routes.MapPost(NodeApi.Claims, NodeTraces.Of("claims", ingest.Guarded(ingest.ClaimAsync)));
        routes.MapPost(NodeApi.Disputes, NodeTraces.Of("disputes", ingest.Guarded(ingest.DisputeAsync)));
        routes.MapPut(NodeApi.Asset, NodeTraces.Of("upload", ingest.Guarded(ingest.PutAsync)));
    }

    private async Task ClaimAsync(HttpContext context, Caller caller)
    {
        if (await BatchAsync(context, caller) is not { } batch) return;
        if (await _claims.ClaimAsync(caller, batch, context.RequestAborted) is not { } answers)
        {
            await RefuseAsync(context, 429, "Too many claims of this branch are under way.", retrySeconds: 10);
            return;
        }
        await context.Response.WriteAsJsonAsync(answers, IngestJson.Default.ClaimAnswers, contentType: null, context.RequestAborted);
    }

    private async Task DisputeAsync(HttpContext context, Caller caller)
    {
        if (await BatchAsync(context, caller) is not { } batch) return;
        if (await _claims.DisputeAsync(caller, batch, context.RequestAborted)) context.Response.StatusCode = 202;
        else await RefuseAsync(context, 429, "No more disputes today.", retrySeconds: 3600);
    }

    private async Task PutAsync(HttpContext context, Caller caller)
    {
        RouteValueDictionary route = context.Request.RouteValues;
        if (route["grid"] is not string grid || !AssetTypes.TryParseName(route["type"] as string, out AssetType type) || !Guid.TryParseExact(route["id"] as string, "D", out Guid id))
        {
            await RefuseAsync(context, 400, "The path names a grid, a type (texture, sound, animation or mesh) and a UUID.");
            return;
        }
        if (context.Request.ContentLength is not { } length)
        {
            await RefuseAsync(context, 411, "An upload says how long it is.");
            return;
        }
        if (length == 0)
        {
            await RefuseAsync(context, 422, "An empty body is no asset.");
            return;
        }
        if (length > type.MaxBytes())
        {
            await RefuseAsync(context, 413, "Larger than the type allows.");
            return;
        }
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = type.MaxBytes();
        if (!_parts.Memory.TryTake(caller.Branch, (int)length))
        {
            await RefuseAsync(context, 503, "Too many uploads are under way.", retrySeconds: 5);
            return;
        }
        try
        {
            byte[] plain = new byte[length];
            await context.Request.Body.ReadExactlyAsync(plain, context.RequestAborted).AsTask().WaitAsync(BodyDeadline, _parts.Time);
            var key = new AssetKey(grid, type, id);
            if (!await IsSignedAsync(context, caller, NodeApi.PathOf(key), plain)) return;
            Received received = await _uploads.PutAsync(key, plain, context.RequestAborted);
            if (received.IsInvalid) await RefuseAsync(context, 422, $"Not a valid {type.Name()}: {received.Fault}.");
            else if (received.Upload == Upload.Stored) context.Response.StatusCode = 204;
            else await RefuseAsync(context, 409, "Not what is agreed on.");
        }
        finally
        {
            _parts.Memory.Return(caller.Branch, (int)length);
        }
    }

    private RequestDelegate Guarded(Func<HttpContext, Caller, Task> act) => async context =>
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await _parts.Caller(context) is not { } caller)
        {
            await RefuseAsync(context, 401, "A session is needed.");
            return;
        }
        try
        {
            await act(context, caller);
        }
        catch (StoreTroubleException)
        {
            await RefuseAsync(context, 503, "The store is in trouble.", retrySeconds: 10);
        }
        catch (Exception e) when (e is TimeoutException or EndOfStreamException or OperationCanceledException)
        {
            // Nobody can be told, or nobody deserves it.
            context.Abort();
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, e.StatusCode, "The body did not come as it was announced.");
        }
    };

    /// <summary>The signed, valid batch; null: the answer says what is wrong.</summary>
    private async Task<ClaimBatch?> BatchAsync(HttpContext context, Caller caller)
    {
        byte[] body = new byte[Math.Min(context.Request.ContentLength ?? MostBatchBytes, MostBatchBytes) + 1];
        int length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted).AsTask().WaitAsync(BodyDeadline, _parts.Time);
        if (length > MostBatchBytes)
        {
            await RefuseAsync(context, 413, "A batch of claims is at most 256 KiB.");
            return null;
        }
        string path = context.Request.Path;
        if (!await IsSignedAsync(context, caller, path, body.AsMemory(0, length))) return null;
        ClaimBatch? batch;
        try
        {
            batch = JsonSerializer.Deserialize(body.AsSpan(0, length), IngestJson.Default.ClaimBatch);
        }
        catch (JsonException)
        {
            batch = null;
        }
        if (batch is null || batch.Lines.Any(l => l is null))
        {
            await RefuseAsync(context, 400, "The body is a batch of claims in JSON.");
            return null;
        }
        ValidationResult result = s_valid.Validate(batch);
        if (!result.IsValid)
        {
            await RefuseAsync(context, 400, result.Errors[0].ErrorMessage);
            return null;
        }
        if (caller.Uploader || !batch.Lines.Any(l => l.Origin == ClaimLine.ByHand)) return batch;
        await RefuseAsync(context, 403, "Only an uploader whom the owner trusts imports.");
        return null;
    }

    private static async Task<bool> IsSignedAsync(HttpContext context, Caller caller, string path, ReadOnlyMemory<byte> body)
    {
        if (ClientSignature.IsGood(caller.ClientKey, context.Request.Headers[NodeApi.SignatureHeader], context.Request.Method, path, body.Span)) return true;
        await RefuseAsync(context, 403, "Not signed by the session's client.");
        return false;
    }

    private static Task RefuseAsync(HttpContext context, int status, string why, int retrySeconds = 0)
    {
        if (context.Response.HasStarted) return Task.CompletedTask;
        context.Response.StatusCode = status;
        if (retrySeconds > 0) context.Response.Headers.RetryAfter = retrySeconds.ToString(CultureInfo.InvariantCulture);
        return context.Response.WriteAsync(why, context.RequestAborted);
    }
}

/// <summary>The routes of ingest, as the composition adds them.</summary>
internal static class IngestRoutes
{
    /// <summary>Adds claims, uploads and disputes.</summary>
    public static void MapIngest(this IEndpointRouteBuilder routes, IngestParts parts) => IngestEndpoints.Map(routes, parts);
}
