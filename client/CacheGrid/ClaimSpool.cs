using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.CacheGrid;

/// <summary>One claim that waits.</summary>
/// <param name="Line">What is claimed.</param>
/// <param name="Due">Unix seconds: not before.</param>
/// <param name="Since">Unix seconds of the capture.</param>
internal sealed record WaitingClaim(ClaimLine Line, long Due, long Since);

/// <summary>
/// What waits to be claimed, on disk, so that a restart loses none of it: sealed under the local key, for it names assets, and bounded: beyond
/// <see cref="Capacity"/> nothing is added. The assets' bytes stay where they are, in the store. Not thread-safe.
/// </summary>
internal sealed class ClaimSpool
{
    /// <summary>Claims that may wait.</summary>
    public const int Capacity = 4096;

    /// <summary>One that could not be claimed for so long is dropped.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(3);

    private const int MaxBytes = Capacity * 1024, NonceBytes = 12, TagBytes = 16;

    private static readonly JsonSerializerOptions s_json = new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    private readonly string _path;
    private readonly byte[] _key;
    private readonly ILogger _log;
    private readonly Random _random;
    private readonly Dictionary<(string, string, Guid), WaitingClaim> _waiting = [];
    private bool _changed, _failing;

    public ClaimSpool(string path, byte[] key, ILogger log, Random? random = null)
    {
        (_path, _key, _log, _random) = (path, key, log, random ?? Random.Shared);
        Read();
    }

    public int Count => _waiting.Count;

    /// <summary>Unix seconds of the next that is due; null: none waits.</summary>
    public long? NextDue => _waiting.Count == 0 ? null : _waiting.Values.Min(w => w.Due);

    /// <summary>Adds one, or puts the one of this asset off. False: no room.</summary>
    public bool Put(WaitingClaim claim)
    {
        (string, string, Guid) name = (claim.Line.Grid, claim.Line.Type, claim.Line.Id);
        if (_waiting.Count >= Capacity && !_waiting.ContainsKey(name)) return false;
        _waiting[name] = claim;
        return _changed = true;
    }

    /// <summary>Those that are due, at most a batch, in no order that tells anything. They stay until they are removed.</summary>
    public WaitingClaim[] Due(long now)
    {
        foreach (WaitingClaim old in _waiting.Values.Where(w => now - w.Since > (long)Lifetime.TotalSeconds).ToArray()) Remove(old);
        WaitingClaim[] due = [.. _waiting.Values.Where(w => w.Due <= now)];
        _random.Shuffle(due);
        return due.Length > ClaimBatch.MaxLines ? due[..ClaimBatch.MaxLines] : due;
    }

    /// <summary>Whether one of this asset waits.</summary>
    public bool Holds(WaitingClaim claim) => _waiting.ContainsKey((claim.Line.Grid, claim.Line.Type, claim.Line.Id));

    public void Remove(WaitingClaim claim) => Remove(claim.Line.Grid, claim.Line.Type, claim.Line.Id);

    public void Remove(string grid, string type, Guid id) => _changed |= _waiting.Remove((grid, type, id));

    /// <summary>Writes it down if there is anything new.</summary>
    public void Write()
    {
        if (!_changed) return;
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(_waiting.Values);
        byte[] file = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(file.AsSpan(0, NonceBytes));
        using (AesGcm cipher = new(_key, TagBytes))
            cipher.Encrypt(file.AsSpan(0, NonceBytes), plain, file.AsSpan(NonceBytes, plain.Length), file.AsSpan(NonceBytes + plain.Length));
        try
        {
            AtomicFile.Write(_path, file);
            _changed = _failing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing) Log.SpoolFailed(_log, e.Message);
            _failing = true;
        }
    }

    private void Read()
    {
        try
        {
            if (!File.Exists(_path)) return;
            if (new FileInfo(_path).Length is < NonceBytes + TagBytes or > MaxBytes) throw new CryptographicException();
            byte[] file = File.ReadAllBytes(_path), plain = new byte[file.Length - NonceBytes - TagBytes];
            using (AesGcm cipher = new(_key, TagBytes))
                cipher.Decrypt(file.AsSpan(0, NonceBytes), file.AsSpan(NonceBytes, plain.Length), file.AsSpan(NonceBytes + plain.Length), plain);
            foreach (WaitingClaim claim in JsonSerializer.Deserialize<WaitingClaim[]>(plain, s_json) ?? []) Put(claim ?? throw new JsonException());
            _changed = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or JsonException)
        {
            Log.SpoolUnreadable(_log);
        }
    }
}
