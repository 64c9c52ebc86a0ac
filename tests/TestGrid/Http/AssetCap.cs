using System.Collections.Frozen;
using System.Globalization;

namespace GlobalCache.TestGrid.Http;

/// <summary>
/// ViewerAsset, GetTexture, GetMesh and GetMesh2: one handler, as in OpenSimulator. Any <c>*_id</c> works on any of the
/// four, the type is not checked, and ranges are read in OpenSimulator's own way (recording 04).
/// </summary>
internal static class AssetCap
{
    private static readonly FrozenSet<string> Parameters = FrozenSet.ToFrozenSet(
    [
        "texture_id", "sound_id", "callcard_id", "landmark_id", "script_id", "clothing_id", "object_id", "notecard_id", "lsltext_id",
        "lslbyte_id", "txtr_tga_id", "bodypart_id", "snd_wav_id", "img_tga_id", "jpeg_id", "animatn_id", "gesture_id", "mesh_id",
        "settings_id", "material_id",
    ]);

    public static async Task HandleAsync(HttpContext http, StandInGrid grid)
    {
        Guid? id = Asked(http.Request.Query);
        grid.Counters.HttpAsset(id);
        if (id is not { } asset)
        {
            await Answer.ErrorAsync(http, 400, "text/plain");
            return;
        }

        AssetFault? fault = grid.Faults.For(asset);
        if (fault is { Latency.Ticks: > 0 }) await Task.Delay(fault.Latency, grid.Options.Time, http.RequestAborted);
        if (fault?.Status is { } status)
        {
            if (fault.RetryAfterSeconds is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            await Answer.ErrorAsync(http, status, "text/plain");
            return;
        }

        if (grid.Assets.Find(asset) is not { } found)
        {
            await Answer.ErrorAsync(http, 404, "text/plain");
            return;
        }

        ReadOnlyMemory<byte> bytes = fault?.Body ?? found.Bytes;
        string? range = fault is { IgnoresRange: true } ? null : http.Request.Headers.Range.ToString();
        ReadOnlyMemory<byte> body = bytes;
        bool part = TryReadRange(range, bytes.Length, out int start, out int end);
        if (part) body = bytes[start..(end + 1)];
        Answer.Head(http, part ? 206 : 200, ContentType(found.Type), Math.Max(0, body.Length + (fault?.LengthLie ?? 0)));
        if (part) http.Response.Headers.ContentRange = $"bytes {start}-{end}/{bytes.Length + (fault?.TotalLie ?? 0)}";
        if (fault?.ContentEncoding is { } encoding) http.Response.Headers.ContentEncoding = encoding;
        if (!HttpMethods.IsHead(http.Request.Method)) await SendAsync(http, grid, body, fault);
    }

    private static async Task SendAsync(HttpContext http, StandInGrid grid, ReadOnlyMemory<byte> body, AssetFault? fault)
    {
        if (fault is { LengthLie: < 0 }) body = body[..Math.Max(0, body.Length + fault.LengthLie)];
        bool cut = fault?.CutAfter < body.Length;
        if (cut) body = body[..fault!.CutAfter!.Value];
        while (body.Length > 0 && !http.RequestAborted.IsCancellationRequested)
        {
            ReadOnlyMemory<byte> next = body[..Math.Min(16 << 10, body.Length)];
            await http.Response.Body.WriteAsync(next);
            grid.Counters.HttpBytes(next.Length);
            body = body[next.Length..];
        }

        if (!cut && fault is not { LengthLie: > 0 }) return;
        await http.Response.Body.FlushAsync();
        // Let what was sent arrive before the reset overtakes it.
        await Task.Delay(TimeSpan.FromMilliseconds(50) + (grid.Link?.Shape.RoundTrip ?? TimeSpan.Zero), grid.Options.Time);
        http.Abort();
    }

    private static Guid? Asked(IQueryCollection query)
    {
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues value) in query)
        {
            if (Parameters.Contains(name) && Guid.TryParse(value, out Guid id)) return id;
        }

        return null;
    }

    /// <summary>
    /// OpenSimulator's reading: no list of ranges; "-n" means 0 to n; an end of 0 is refused; a start past the end means
    /// everything; what lies past the end is cut. False: the whole asset with 200.
    /// </summary>
    internal static bool TryReadRange(string? header, int length, out int start, out int end)
    {
        start = end = 0;
        if (header is null || !header.StartsWith("bytes=", StringComparison.Ordinal)) return false;
        string[] bounds = header[6..].Split('-');
        if (bounds.Length != 2) return false;
        if (bounds[0].Trim() is { Length: > 0 } first && !int.TryParse(first, CultureInfo.InvariantCulture, out start)) return false;
        if (bounds[1].Trim() is not { Length: > 0 } last) end = length - 1;
        else if (!int.TryParse(last, CultureInfo.InvariantCulture, out end) || end <= 0) return false;
        if (start < 0 || start >= length) return false;
        end = Math.Min(end, length - 1);
        start = Math.Min(start, end);
        return true;
    }

    private static string ContentType(int type) => type switch
    {
        0 => "image/x-j2c",
        1 => "audio/ogg",
        3 => "application/vnd.ll.landmark",
        5 => "application/vnd.ll.clothing",
        6 => "application/vnd.ll.primitive",
        7 => "application/vnd.ll.notecard",
        10 => "application/vnd.ll.lsltext",
        13 => "application/vnd.ll.bodypart",
        20 => "application/vnd.ll.animation",
        21 => "application/vnd.ll.gesture",
        49 => "application/vnd.ll.mesh",
        57 => "application/llsd+xml",
        _ => "application/octet-stream",
    };
}
