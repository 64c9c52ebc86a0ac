using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Client.Imports;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Puts assets of a world's owner into the cache grid, in batches: what it does not have yet is sent, the rest is left. Doing it again does no harm. Holds
/// <see cref="MostBatchBytes"/> and one asset more at the most.
/// </summary>
/// <param name="calls">The way there.</param>
/// <param name="clientId">What this client is called there, for the sentence that says it may not.</param>
/// <param name="world">The world they belong to.</param>
/// <param name="fault">Told of every asset that is not what its name says: the file and why.</param>
/// <param name="time">Waits between tries.</param>
internal sealed class GridImport(ClaimCalls calls, string clientId, string world, Action<string, string> fault, TimeProvider time)
{
    /// <summary>Plain bytes of a batch.</summary>
    public const int MostBatchBytes = 32 << 20;

    private const int MostTries = 8, AtOnce = 4;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1), s_longestPause = TimeSpan.FromMinutes(1);

    private readonly Dictionary<(AssetType, Guid), ImportedAsset> _batch = [];
    private int _sent, _there, _faulty;
    private long _sentBytes, _batchBytes;

    public ImportTally Tally => new(_sent, Interlocked.Read(ref _sentBytes), _there, _faulty);

    /// <summary>Adds one; when enough is together it is claimed and sent.</summary>
    /// <exception cref="CannotStartException">As <see cref="FlushAsync"/>.</exception>
    public async Task AddAsync(ImportedAsset asset, CancellationToken ct)
    {
        if (asset.Plain.Length == 0) Fault(asset, $"it is empty, or larger than a {asset.Type.Name()} may be ({asset.Type.MaxBytes() >> 20} MiB)");
        else if (AssetStructure.Check(asset.Type, asset.Plain) is { Verdict: not StructureVerdict.Valid } wrong)
            Fault(asset, $"no whole {asset.Type.Name()}{(wrong.Reason.Length > 0 ? $": {wrong.Reason}" : "")}");
        else if (_batch.TryAdd((asset.Type, asset.Id), asset)) _batchBytes += asset.Plain.Length;
        if (_batch.Count >= ClaimBatch.MaxLines || _batchBytes >= MostBatchBytes) await FlushAsync(ct);
    }

    /// <summary>Claims and sends what is together. Where that fails, what was not taken stays, to be flushed again.</summary>
    /// <exception cref="CannotStartException">This client may not, or the cache grid does not take it: in one sentence.</exception>
    public async Task FlushAsync(CancellationToken ct)
    {
        TimeSpan pause = s_firstPause;
        for (int attempt = 1; _batch.Count > 0; attempt++)
        {
            int before = _batch.Count;
            string trouble = await TryAsync(ct);
            if (_batch.Count == 0) break;
            // Slow is not stuck.
            if (_batch.Count < before) (attempt, pause) = (0, s_firstPause);
            if (attempt == MostTries) throw new CannotStartException($"import: the cache grid does not take what is sent ({trouble}). What it has taken it keeps: type the same again later.");
            await Task.Delay(pause, time, ct);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
        _batchBytes = 0;
    }

    /// <summary>Once through the batch; what was taken leaves it. Says why something is left.</summary>
    private async Task<string> TryAsync(CancellationToken ct)
    {
        ImportedAsset[] asked = [.. _batch.Values];
        try
        {
            (HttpStatusCode? status, ClaimAnswers? said) = await calls.ClaimAsync([.. asked.Select(Line)], ct);
            if (status == HttpStatusCode.Forbidden)
            {
                throw new CannotStartException("import: the cache grid's owner has not said that this client's word alone is enough: have them type “trust "
                    + $"{clientId} on”, and type the same again.");
            }
            if (said is null) return status is { } code ? $"status {(int)code}" : "no session, or no node";
            for (int i = 0; i < asked.Length; i++)
            {
                if (said.Lines[i] == ClaimVerdict.Noted && _batch.Remove((asked[i].Type, asked[i].Id))) _there++;
            }
            HttpStatusCode?[] answers = new HttpStatusCode?[asked.Length];
            try
            {
                await Parallel.ForAsync(0, asked.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct }, async (i, stop) =>
                {
                    if (said.Lines[i] == ClaimVerdict.Wanted) answers[i] = await calls.UploadAsync(new AssetKey(world, asked[i].Type, asked[i].Id), asked[i].Plain, stop);
                });
            }
            finally
            {
                for (int i = 0; i < asked.Length; i++) Answered(asked[i], answers[i]);
            }
            return answers.FirstOrDefault(a => a is not null && (int)a is < 200 or >= 300) is { } refused ? $"status {(int)refused}" : "its store is in trouble";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return HttpTrouble.Reason(e);
        }
    }

    private void Answered(ImportedAsset asset, HttpStatusCode? status)
    {
        switch ((int?)status)
        {
            case >= 200 and < 300 when _batch.Remove((asset.Type, asset.Id)):
                _sent++;
                _sentBytes += asset.Plain.Length;
                break;
            case 409 or 413 or 422 when _batch.Remove((asset.Type, asset.Id)):
                Fault(asset, (int)status! == 409 ? "others have just agreed on different bytes" : "the node does not take it for what its name says");
                break;
        }
    }

    private ClaimLine Line(ImportedAsset asset) => new()
    {
        Grid = world,
        Type = asset.Type.Name(),
        Id = asset.Id,
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(asset.Plain)),
        Length = asset.Plain.Length,
        Origin = ClaimLine.ByHand,
    };

    private void Fault(ImportedAsset asset, string why)
    {
        _faulty++;
        fault(asset.Name, why);
    }
}
