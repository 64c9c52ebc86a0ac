using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace GlobalCache.Office.Stores;

/// <summary>Where the bucket is.</summary>
/// <param name="Bucket">Its name.</param>
/// <param name="Region">AWS region; any word, often <c>us-east-1</c>, for other servers.</param>
/// <param name="Endpoint">A server other than AWS, http(s)://host[:port]; null: AWS.</param>
/// <param name="ChecksumsWhenSupported">
/// Trailing checksums on every upload, as AWS wants them; many S3-compatible servers (Ceph, older MinIO) answer 400 to those, so false there.
/// </param>
/// <param name="KmsKeyId">SSE-KMS under this key; null: what the bucket does by itself.</param>
internal sealed record S3Options(string Bucket, string Region, Uri? Endpoint = null, bool ChecksumsWhenSupported = true, string? KmsKeyId = null);

/// <summary>
/// The store in an S3 bucket, of AWS or of any server that keeps conditional writes: reads are strongly consistent, every put says what it
/// expects. The SDK retries what is safe to retry; a put whose answer was lost may then be refused by its own work, which the ledger expects.
/// </summary>
internal sealed class S3Store : IObjectStore, IDisposable
{
    private const int Reads = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly AmazonS3Client _s3;
    private readonly TimeSpan _patience;
    private readonly S3Options _options;

    /// <param name="options">Which bucket.</param>
    /// <param name="credentials">Null: those of the instance's role or the environment.</param>
    /// <param name="patience">How long one call may take with all its retries; null: 10 s.</param>
    public S3Store(S3Options options, AWSCredentials? credentials = null, TimeSpan? patience = null)
    {
        (_options, _patience) = (options, patience ?? Patience);
        var config = new AmazonS3Config
        {
            AuthenticationRegion = options.Region,
            ForcePathStyle = options.Endpoint is not null,
            RequestChecksumCalculation = options.ChecksumsWhenSupported ? RequestChecksumCalculation.WHEN_SUPPORTED : RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = options.ChecksumsWhenSupported ? ResponseChecksumValidation.WHEN_SUPPORTED : ResponseChecksumValidation.WHEN_REQUIRED,
            // SlowDown, 500 and 503: exponential pauses, and no more retries than a share of the successes.
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = 3,
            Timeout = _patience,
            ConnectTimeout = TimeSpan.FromSeconds(2),
        };
        if (options.Endpoint is not null) config.ServiceURL = options.Endpoint.AbsoluteUri;
        else config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(options.Region);
        _s3 = credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);
    }

    public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => GetAsync(name, range: null, ct);

    public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => GetAsync(name, new ByteRange(0, first - 1), ct);

    public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
    {
        using var body = new MemoryStream(bytes.ToArray(), writable: false);
        var put = new PutObjectRequest { BucketName = _options.Bucket, Key = name, InputStream = body, AutoCloseStream = false, UseChunkEncoding = _options.ChecksumsWhenSupported };
        if (ifMatch is null) put.IfNoneMatch = "*";
        else put.IfMatch = ifMatch;
        if (_options.KmsKeyId is { } key) (put.ServerSideEncryptionMethod, put.ServerSideEncryptionKeyManagementServiceKeyId) = (ServerSideEncryptionMethod.AWSKMS, key);
        try
        {
            using CancellationTokenSource late = Late(ct);
            await _s3.PutObjectAsync(put, late.Token);
            return PutResult.Written;
        }
        // 409: another conditional write of the same object is under way. 404 with If-Match: there is nothing to replace.
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict
            || (e.StatusCode == HttpStatusCode.NotFound && ifMatch is not null && e.ErrorCode != "NoSuchBucket"))
        {
            return PutResult.Refused;
        }
        catch (Exception e) when (IsTrouble(e, ct))
        {
            throw new StoreTroubleException("The bucket cannot be written.", e);
        }
    }

    public void Dispose() => _s3.Dispose();

    private async ValueTask<StoredObject?> GetAsync(string name, ByteRange? range, CancellationToken ct)
    {
        using CancellationTokenSource late = Late(ct);
        for (int read = 1; ; read++)
        {
            try
            {
                using GetObjectResponse answer = await _s3.GetObjectAsync(new GetObjectRequest { BucketName = _options.Bucket, Key = name, ByteRange = range }, late.Token);
                byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)answer.ContentLength));
                await answer.ResponseStream.ReadExactlyAsync(bytes, late.Token);
                // Without its quotes: AWS takes an If-Match either way, Ceph only so.
                return new StoredObject(answer.ETag.Trim('"'), bytes);
            }
            // Without the right to list, AWS says 403 for what is missing; only the canary tells that from a right that is gone.
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound ? e.ErrorCode != "NoSuchBucket"
                : e.StatusCode == HttpStatusCode.Forbidden && e.ErrorCode == "AccessDenied")
            {
                return null;
            }
            catch (Exception e) when (IsCut(e) && read < Reads)
            {
                // The SDK retries until the head of the answer has come; a body that broke off is for us to ask for again.
            }
            catch (Exception e) when (IsTrouble(e, ct))
            {
                throw new StoreTroubleException("The bucket cannot be read.", e);
            }
        }
    }

    private CancellationTokenSource Late(CancellationToken ct)
    {
        var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(_patience);
        return late;
    }

    private static bool IsCut(Exception e) => e is IOException or HttpRequestException;

    private static bool IsTrouble(Exception e, CancellationToken ct) =>
        e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested);
}
