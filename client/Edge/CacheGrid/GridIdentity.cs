using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Who this client is to one cache grid: a key of its own, and the name it was given at enrolment. Kept in one file in the folder for keys, for its
/// owner's eyes only; another grid gets another key, so that two grids cannot tell that they have a client in common.
/// </summary>
internal sealed class GridIdentity : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    private readonly string _path;
    private readonly Lock _gate = new();
    private readonly ECDsa _key;

    private GridIdentity(string path, ECDsa key, string? clientId) => (_path, _key, ClientId) = (path, key, clientId);

    private sealed record Kept(string Key, string? ClientId);

    /// <summary>Null: not enrolled yet.</summary>
    public string? ClientId { get; private set; }

    /// <summary>SubjectPublicKeyInfo in base64.</summary>
    public string PublicKey
    {
        get { lock (_gate) return Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo()); }
    }

    /// <summary>The file of a grid's identity.</summary>
    public static string PathOf(string configFolder, string host) => Path.Combine(configFolder, $"grid-{host.ToLowerInvariant()}.key");

    /// <summary>Reads it; makes a key where there is none. It is written down before anybody is told of it, so that an enrolment whose answer got lost can be repeated.</summary>
    /// <exception cref="CannotStartException">Damaged, to be read by others, or not to be written.</exception>
    public static GridIdentity Load(string configFolder, string host)
    {
        string path = PathOf(configFolder, host);
        try
        {
            if (File.Exists(path)) return Read(path);
            PrivateFolder.Create(configFolder);
            GridIdentity fresh = new(path, ECDsa.Create(ECCurve.NamedCurves.nistP256), null);
            fresh.Write();
            return fresh;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"The cache grid's key {path} cannot be read or written: set XDG_CONFIG_HOME to a folder of your own.");
        }
    }

    /// <summary>The grid has let us in.</summary>
    /// <exception cref="IOException">It cannot be written down.</exception>
    public void Enrolled(string clientId)
    {
        ClientId = clientId;
        Write();
    }

    /// <summary>The proof that a session is asked for with.</summary>
    public string Prove(string nonce) => Sign(Encoding.UTF8.GetBytes($"gc/session/1{nonce}{ClientId}"));

    /// <summary>The signature under a claim or an upload (<see cref="NodeApi.SignatureHeader"/>).</summary>
    public string Sign(string method, string path, ReadOnlySpan<byte> body) => Sign(RequestSignature.Of(method, path, body));

    public void Dispose() => _key.Dispose();

    private static GridIdentity Read(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
                | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
            if ((File.GetUnixFileMode(path) & others) != UnixFileMode.None)
                throw new CannotStartException($"The cache grid's key {path} can be read or changed by other users: run \"chmod 600 {path}\" and start again.");
        }
        ECDsa key = ECDsa.Create();
        try
        {
            Kept? kept = JsonSerializer.Deserialize<Kept>(File.ReadAllBytes(path), s_json);
            key.ImportPkcs8PrivateKey(Convert.FromBase64String(kept?.Key ?? ""), out _);
            return new GridIdentity(path, key, string.IsNullOrEmpty(kept!.ClientId) ? null : kept.ClientId);
        }
        catch (Exception e) when (e is JsonException or FormatException or CryptographicException)
        {
            key.Dispose();
            throw new CannotStartException($"The cache grid's key {path} is damaged: put back a copy of it, or delete it and enrol again with --invite.");
        }
    }

    private string Sign(byte[] bytes)
    {
        // Not promised to be safe from several threads.
        lock (_gate) return Base64Url.EncodeToString(_key.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    private void Write()
    {
        byte[] pkcs8 = _key.ExportPkcs8PrivateKey();
        AtomicFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(new Kept(Convert.ToBase64String(pkcs8), ClientId), s_json));
        CryptographicOperations.ZeroMemory(pkcs8);
    }
}
