using System.Globalization;
using System.IO.Pipelines;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Serving;

/// <summary>What decides whether an asset may be served, asked for anew at every request.</summary>
/// <param name="IsShared">Whether a grid is shared at all.</param>
/// <param name="IsBanned">Whether an asset, by its object name, is not to be had.</param>
/// <param name="Withheld">Share of hits that are withheld as a check, of assets that are so sure and so long; 0: none.</param>
internal sealed record ServingRules(Predicate<string> IsShared, Predicate<string> IsBanned, Func<Standing, int, double> Withheld)
{
    private const int MostContested = 2 << 20;

    /// <summary>Checks are for grids where one person's word does not decide; they are the more frequent the less sure an asset is.</summary>
    public static double WithheldOf(VouchingPolicy vouching, QuotaPolicy quotas, Standing standing, int length) =>
        vouching.Lead < 2 ? 0
        : standing == Standing.Contested && length <= MostContested ? quotas.WithheldContested
        : standing == Standing.Fresh ? quotas.WithheldFresh
        : quotas.Withheld;
}

/// <summary>
/// Gives out one asset (<see cref="NodeApi.Asset"/>): sealed bytes as they lie in the store, and the one key that opens them. Whoever is refused for
/// whatever reason gets the same 404 after the same one read of the store, so that nobody can tell a ban from an absence.
/// </summary>
internal sealed class AssetEndpoint(
    SessionGate gate, GridKeys keys, BlobSource blobs, BranchAccounts accounts, ServingRules rules, NodeMetrics metrics, TimeProvider time)
{
    private const int Piece = 64 * 1024, FlushAfter = 4 * Piece;
    private const string Id = "D";
    private static readonly string[] s_left = [.. Enumerable.Range(0, 101).Select(i => (i / 100.0).ToString("0.00", CultureInfo.InvariantCulture))];

    public async Task HandleAsync(HttpContext context)
    {
        if (await gate.EnterAsync(context) is not { } who) return;
        if (context.GetRouteValue("grid") is not string { Length: > 0 and <= 255 } grid || !AssetTypes.TryParseName(context.GetRouteValue("type") as string, out AssetType type)
            || !Guid.TryParseExact(context.GetRouteValue("id") as string, Id, out Guid id))
        {
            Refuse(context);
            return;
        }
        try
        {
            await AnswerAsync(context, who.Branch, new AssetKey(grid, type, id));
        }
        catch (StoreTroubleException) when (!context.Response.HasStarted)
        {
            metrics.Troubles.Add(1);
            context.Response.Headers.RetryAfter = "5";
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
    }

    private async Task AnswerAsync(HttpContext context, string branch, AssetKey key)
    {
        CachedBlob? held = blobs.Find(key);
        string name = held?.Blob.Name ?? keys.NameOf(key);
        if (!rules.IsShared(key.GridId) || rules.IsBanned(name))
        {
            await blobs.LookAsync(key, name, context.RequestAborted);
            Refuse(context);
            return;
        }
        SealedBlob? blob = held is null ? null : blobs.Serve(held);
        bool warm = blob is not null;
        if (!warm) blob = (held = await blobs.ReadAsync(key, name).WaitAsync(context.RequestAborted))?.Blob;
        if (blob is null)
        {
            Refuse(context);
            return;
        }
        double share = rules.Withheld(held!.Standing, blob.Bytes.Length);
        if (share > 0 && keys.Withholds(branch, name, BranchAccount.DayOf(time.GetUtcNow()), share))
        {
            // From memory it would be told sooner than an absence is.
            if (warm) await blobs.LookAsync(key, name, context.RequestAborted);
            accounts.Withheld(branch, BranchAccounts.IdOf(name));
            metrics.Withheld.Add(1);
            Refuse(context);
            return;
        }
        QuotaAnswer quota = await accounts.TakeAsync(branch, BranchAccounts.IdOf(name), blob.Bytes.Length);
        if (!quota.Allowed)
        {
            metrics.OverQuota.Add(1);
            context.Response.Headers.RetryAfter = Math.Clamp((int)Math.Ceiling(quota.RetryAfter.TotalSeconds), 1, 86_400).ToString(CultureInfo.InvariantCulture);
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            return;
        }
        context.Response.Headers[NodeApi.QuotaLeftHeader] = s_left[(int)(accounts.Left(branch) * 100)];
        (warm ? metrics.MemoryHits : metrics.StoreHits).Add(1);
        metrics.BytesSent.Add(blob.Bytes.Length);
        await SendAsync(context.Response, blob);
    }

    private static async Task SendAsync(HttpResponse response, SealedBlob blob)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentType = "application/octet-stream";
        headers.ContentLength = blob.Bytes.Length;
        headers.CacheControl = "private, no-store";
        headers.ETag = blob.Tag;
        headers[NodeApi.AssetKeyHeader] = blob.Key;
        // With the head sent first, what is written goes straight into the connection's own buffers.
        await response.StartAsync(response.HttpContext.RequestAborted);
        PipeWriter body = response.BodyWriter;
        ReadOnlyMemory<byte> rest = blob.Bytes;
        for (int unflushed = 0; rest.Length > 0;)
        {
            Memory<byte> room = body.GetMemory(Math.Min(Piece, rest.Length));
            int length = Math.Min(room.Length, rest.Length);
            rest[..length].CopyTo(room);
            body.Advance(length);
            rest = rest[length..];
            if ((unflushed += length) < FlushAfter && rest.Length > 0) continue;
            unflushed = 0;
            if ((await body.FlushAsync(response.HttpContext.RequestAborted)).IsCompleted) return;
        }
    }

    private void Refuse(HttpContext context)
    {
        metrics.Misses.Add(1);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
    }
}
