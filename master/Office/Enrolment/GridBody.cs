using System.Net.Mime;
using System.Text.Json;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary><c>grid.json</c> as it is given out: its bytes, made once, and where there is an admin code the word by which its owner knows them.</summary>
/// <param name="bytes">The file.</param>
/// <param name="codeHash">SHA-256 of the admin code in force; null: nobody has one here.</param>
internal sealed class GridBody(byte[] bytes, Func<byte[]>? codeHash)
{
    /// <param name="file">What it says.</param>
    /// <param name="codeHash">See the type.</param>
    public static GridBody Of(GridFile file, Func<byte[]>? codeHash = null) => new(JsonSerializer.SerializeToUtf8Bytes(file, JsonSerializerOptions.Web), codeHash);

    /// <summary>The answer.</summary>
    public async Task WriteAsync(HttpResponse response, CancellationToken ct)
    {
        response.ContentType = MediaTypeNames.Application.Json;
        response.ContentLength = bytes.Length;
        if (codeHash is not null) response.Headers[EnrolmentApi.GridMac] = GridMac.Of(codeHash(), bytes);
        await response.Body.WriteAsync(bytes, ct);
    }
}
