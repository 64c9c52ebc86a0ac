using GlobalCache.Client.Assets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Answers what the store does not hold. The viewer's range goes to the grid at once; what is held or in flight already is not
/// asked for again; bytes reach the viewer as they come. The cache grid is asked beside it, the first good answer wins (DESIGN §4.2);
/// where it usually is the sooner one, the viewer's request is held back for a moment (§4.3).
/// </summary>
internal sealed class AssetMisses(
    Assemblies assemblies, AssetOrigin origin, AssetCapture capture, HttpMessageInvoker invoker, GridLookups? grid, GridChecks? checks, ClientLimits limits,
    TimeProvider time, ILogger log)
{
    /// <summary>Answers that are shorter than asked are followed up this often for one viewer's request.</summary>
    private const int MaxDemands = 4;

    private enum Outcome : byte { Answered, Anew }

    /// <param name="context">The viewer's request.</param>
    /// <param name="asked">The asset.</param>
    /// <param name="range">Not odd.</param>
    /// <param name="question">How to ask the grid.</param>
    /// <param name="resumeTotal">
    /// Where the store failed in the middle of an answer: the asset's length as the viewer was told. <paramref name="range"/> is what is missing.
    /// </param>
    /// <returns>What the viewer got of the asset, if it got any.</returns>
    public async Task<Delivered> ServeAsync(HttpContext context, AssetRequest asked, ByteRange range, Question question, long? resumeTotal = null)
    {
        Task<string> told = question.Source.GridId;
        AssemblyKey key = new(question.Source.Scope, told.IsCompletedSuccessfully ? told.Result : told, asked.Type, asked.Id);
        if (resumeTotal is null && origin.TryRecallNegative(key, question.Source, out int status))
        {
            AssetAnswer.Status(context.Response, status);
            return default;
        }
        // The second time where the first answer contradicted what was held; after that the viewer judges for itself.
        for (int attempt = 0; attempt < 2; attempt++)
        {
            if (assemblies.Open(key, question) is not { } assembly) break;
            if (assembly.Join(range, out List<Fetch> start) is not { } reader) continue;
            try
            {
                reader.Started = resumeTotal is not null;
                Start(start, question, key, assembly);
                if (await DeliverAsync(context, assembly, reader, question, resumeTotal) == Outcome.Answered) return new Delivered(reader.Sent, reader.IsShared);
            }
            finally
            {
                assembly.Leave(reader);
                capture.Review(assembly);
            }
        }
        await PassThroughAsync(context, question);
        return default;
    }

    /// <summary>Asks the grid for just this viewer, and passes on whatever it says. Also for requests that are no asset requests.</summary>
    public async Task PassThroughAsync(HttpContext context, Question question)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        using CancellationTokenSource late = new(limits.AssetAnswerTimeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, context.RequestAborted);
        HttpResponseMessage? answer = null;
        try
        {
            HttpRequest request = context.Request;
            Stream? body = request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0 ? request.Body : null;
            answer = await origin.AskAsync(invoker, question, HttpMethod.Parse(request.Method), request.Headers.Range, body, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // Too late, or the viewer has gone and the 503 goes nowhere.
        }
        catch (Exception e) when (e is UriFormatException or NotSupportedException or InvalidOperationException)
        {
            // A cap or a remainder that makes no URL.
            Log.HostFailed(log, e.Message);
        }
        if (answer is null) AssetAnswer.Trouble(context);
        else await AssetAnswer.PassOnAsync(context, answer, limits.AssetStallTimeout, time);
    }

    private void Start(List<Fetch> fetches, Question question)
    {
        foreach (Fetch fetch in fetches) _ = RunAsync(fetch, question);
    }

    private void Start(List<Fetch> fetches, Question question, in AssemblyKey key, Assembly assembly)
    {
        TimeSpan hold = TimeSpan.Zero;
        if (grid is not null && key.Grid is string gridId && grid.Shares(gridId))
        {
            AssetKey asked = new(gridId, key.Type, key.Id);
            assembly.TryLookUp(stop => Task.Run(() => LookUpAsync(grid, assembly, asked, stop), CancellationToken.None));
            if (fetches.Count > 0 && assembly.Lookup is { IsCompleted: false } lookup && (hold = grid.Hold(gridId)) > TimeSpan.Zero)
                _ = StartLaterAsync(grid, gridId, fetches, question, lookup, hold);
        }
        if (hold == TimeSpan.Zero) Start(fetches, question);
    }

    /// <summary>What came from the cache grid meanwhile has ended these fetches before they began.</summary>
    private async Task StartLaterAsync(GridLookups asked, string gridId, List<Fetch> fetches, Question question, Task lookup, TimeSpan hold)
    {
        long from = time.GetTimestamp();
        await Task.WhenAny(lookup, Task.Delay(hold, time));
        fetches.RemoveAll(f => f.Stop.IsCancellationRequested);
        if (fetches.Count == 0) return;
        asked.HeldInVain(gridId, time.GetElapsedTime(from));
        Start(fetches, question);
    }

    // Belongs to the assembly: a viewer that has read the first bytes of an asset comes back for the others.
    private async Task LookUpAsync(GridLookups asked, Assembly assembly, AssetKey key, CancellationToken stop)
    {
        try
        {
            if (await asked.AskAsync(key, stop) is not { } whole || capture.Refuses(key, whole) || !assemblies.TryReserve(whole.Length)) return;
            if (assembly.TrySupply(whole, out bool contradicts)) checks?.Served(key, whole, assembly.Question.Source);
            else
            {
                assemblies.Release(whole.Length);
                if (contradicts)
                {
                    Log.Contradiction(log);
                    checks?.Contradicted(key, whole);
                }
            }
            capture.Review(assembly);
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(log, e);
        }
    }

    // Outlives the viewer's request when others wait for the same bytes.
    private async Task RunAsync(Fetch fetch, Question question)
    {
        await origin.RunAsync(fetch, invoker, question);
        capture.Review(fetch.Assembly);
    }

    private async Task<Outcome> DeliverAsync(HttpContext context, Assembly assembly, Reader reader, Question question, long? resumeTotal)
    {
        bool waited = false;
        for (int demands = 0; ;)
        {
            switch (assembly.Next(reader, out ReadOnlyMemory<byte> bytes, out Task progress, out Fetch? failed))
            {
                case Step.Wait:
                    await progress.WaitAsync(context.RequestAborted);
                    break;

                case Step.Send:
                    Slice slice = reader.Slice!.Value;
                    if (resumeTotal is { } told && told != slice.Total)
                    {
                        context.Abort();
                        return Outcome.Answered;
                    }
                    if (!reader.Started) AssetAnswer.Begin(context.Response, assembly.Key.Type, slice);
                    reader.Started = true;
                    if (reader.Sent == 0) reader.IsShared = assembly.IsSupplied;
                    await context.Response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
                    reader.Position += bytes.Length;
                    reader.Sent += bytes.Length;
                    if (reader.Position == slice.Bytes.End) return Outcome.Answered;
                    break;

                case Step.Gone when failed is null && demands++ < MaxDemands:
                    Start(assembly.DemandAgain(reader), question);
                    break;

                // The origin is in trouble; the cache grid may yet have it, and a moment is not much beside a 503.
                case Step.Gone when failed?.End == FetchEnd.Failed && !waited && assembly.Lookup is { IsCompleted: false } lookup:
                    waited = true;
                    await Task.WhenAny(lookup, Task.Delay(limits.CacheGridHold, time, context.RequestAborted));
                    break;

                default:
                    return await GiveUpAsync(context, reader, failed, question);
            }
        }
    }

    // What the grid says to the viewer's own request the viewer is told as it is; those who joined it are told the status.
    private async Task<Outcome> GiveUpAsync(HttpContext context, Reader reader, Fetch? failed, Question question)
    {
        if (!reader.Started && failed?.End == FetchEnd.Conflict) return Outcome.Anew;
        if (reader.Started || failed?.End != FetchEnd.Opaque)
        {
            AssetAnswer.Trouble(context, failed?.RetryAfterSeconds ?? 5);
            return Outcome.Answered;
        }
        // A 206 or 416 speaks of the range that was asked for, which need not be the viewer's.
        bool fits = failed.Status is not (StatusCodes.Status206PartialContent or StatusCodes.Status416RangeNotSatisfiable)
            || failed.Asked == reader.Range.Wanted;
        HttpResponseMessage? answer = failed.Owner == reader && fits ? failed.TakeAnswer() : null;
        if (answer is not null) await AssetAnswer.PassOnAsync(context, answer, limits.AssetStallTimeout, time);
        else if (fits && failed.Status >= 400) AssetAnswer.Status(context.Response, failed.Status);
        else await PassThroughAsync(context, question);
        return Outcome.Answered;
    }
}

/// <summary>What a viewer got that asked for an asset.</summary>
/// <param name="Bytes">Of its body; 0: none, whatever it was told instead.</param>
/// <param name="IsShared">The cache grid's, and not the origin's.</param>
internal readonly record struct Delivered(long Bytes, bool IsShared);
