using System.Net.Mime;
using System.Text.Json;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary><c>grid.json</c> as it is given out: its bytes, made once, and where there is an admin code the word by which its owner knows them.</summary>
/// <param name="bytes">The file.</param>
/// <param name="mac">Null: nobody has an admin code here.</param>
internal sealed class GridBody(byte[] bytes, string? mac)
{
    /// <param name="file">What it says.</param>
    /// <param name="codeHash">SHA-256 of the admin code; null: there is none.</param>
    public static GridBody Of(GridFile file, byte[]? codeHash = null)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(file, JsonSerializerOptions.Web);
        return new GridBody(bytes, codeHash is null ? null : GridMac.Of(codeHash, bytes));
    }

    /// <summary>The answer.</summary>
    public async Task WriteAsync(HttpResponse response, CancellationToken ct)
    {
        response.ContentType = MediaTypeNames.Application.Json;
        response.ContentLength = bytes.Length;
        if (mac is not null) response.Headers[EnrolmentApi.GridMac] = mac;
        await response.Body.WriteAsync(bytes, ct);
    }
}
