using System.Text;
using Amazon.Runtime;
using Amazon.SimpleSystemsManagement;
using Amazon.SimpleSystemsManagement.Model;

namespace GlobalCache.Office.Cloud;

/// <summary>A parameter cannot be read or written now. The message is a sentence for people; to be repeated.</summary>
internal sealed class ParameterTroubleException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The stack's parameters in SSM: plain ones, which <c>pulumi up</c> writes, and secrets, which this product writes itself, each once and never over (SECURITY §2, INFRA §3).
/// </summary>
internal sealed class ParameterStore : IDisposable
{
    /// <summary>How often a secret is looked for that somebody has just written: SSM shows it to everybody only after a moment.</summary>
    private const int Attempts = 8;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_pause = TimeSpan.FromMilliseconds(250);

    private readonly AmazonSimpleSystemsManagementClient _ssm;
    private readonly TimeProvider _time;

    /// <param name="region">Such as <c>eu-central-1</c>.</param>
    /// <param name="access">How AWS is reached.</param>
    /// <param name="time">Clock, for pauses.</param>
    public ParameterStore(string region, CloudAccess access, TimeProvider time)
    {
        _time = time;
        var config = new AmazonSimpleSystemsManagementConfig { AuthenticationRegion = region, MaxErrorRetry = 2, Timeout = s_patience, ConnectTimeout = TimeSpan.FromSeconds(3) };
        if (access.Of("ssm") is { } url) config.ServiceURL = url.AbsoluteUri;
        else config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(region);
        _ssm = access.Credentials is { } credentials ? new AmazonSimpleSystemsManagementClient(credentials, config) : new AmazonSimpleSystemsManagementClient(config);
    }

    /// <summary>A parameter's value, opened if it is a secret. Null: there is none.</summary>
    /// <exception cref="ParameterTroubleException">Not known.</exception>
    public async Task<string?> ReadAsync(string name, CancellationToken ct)
    {
        try
        {
            using CancellationTokenSource late = Late(ct);
            return (await _ssm.GetParameterAsync(new GetParameterRequest { Name = name, WithDecryption = true }, late.Token)).Parameter.Value;
        }
        catch (ParameterNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (IsTrouble(e, ct))
        {
            throw Trouble($"The parameter {name} cannot be read", e);
        }
    }

    /// <summary>
    /// A secret: as it is, or as it is made here when there is none yet. Of several who make one at once the first has made it for all, so that what was made here is never used before it
    /// has been read back.
    /// </summary>
    /// <param name="name">Of the parameter.</param>
    /// <param name="key">Id of the KMS key it is under.</param>
    /// <param name="create">Makes one, ASCII.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ParameterTroubleException">It can be neither read nor written.</exception>
    public async Task<byte[]> SecretAsync(string name, string key, Func<byte[]> create, CancellationToken ct)
    {
        bool isWritten = false;
        for (int attempt = 1; attempt <= Attempts; attempt++)
        {
            if (await ReadAsync(name, ct) is { } there) return Encoding.ASCII.GetBytes(there);
            if (isWritten) await Task.Delay(s_pause * attempt, _time, ct);
            isWritten = isWritten || await WriteOnceAsync(name, key, Encoding.ASCII.GetString(create()), ct);
        }

        throw new ParameterTroubleException($"The secret {name} has been written, and is not to be read.");
    }

    public void Dispose() => _ssm.Dispose();

    // True whoever has written it: it is there.
    private async Task<bool> WriteOnceAsync(string name, string key, string value, CancellationToken ct)
    {
        try
        {
            using CancellationTokenSource late = Late(ct);
            await _ssm.PutParameterAsync(new PutParameterRequest { Name = name, Value = value, Type = ParameterType.SecureString, KeyId = key, Tier = ParameterTier.Standard, Overwrite = false }, late.Token);
        }
        catch (ParameterAlreadyExistsException)
        {
            // Another was first.
        }
        catch (Exception e) when (IsTrouble(e, ct))
        {
            throw Trouble($"The secret {name} cannot be written", e);
        }

        return true;
    }

    private static CancellationTokenSource Late(CancellationToken ct)
    {
        var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(s_patience);
        return late;
    }

    // The code alone: a message may hold more than is to be seen.
    private static ParameterTroubleException Trouble(string what, Exception e) => new(
        $"{what}: {e switch { AmazonServiceException { ErrorCode.Length: > 0 } refused => refused.ErrorCode, OperationCanceledException => "no answer in time", _ => "no answer" }}.", e);

    private static bool IsTrouble(Exception e, CancellationToken ct) =>
        e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested);
}
