using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Master.Reconcile;

/// <summary>How far an order has come.</summary>
internal enum SlotStage
{
    /// <summary>Given, perhaps; written down before it is.</summary>
    Ordered,

    /// <summary>The cloud has shown the instance.</summary>
    Seen,

    /// <summary>There will be none: refused, or never shown.</summary>
    Refused,
}

/// <summary>The newest order of a slot.</summary>
internal sealed record SlotUse(int Generation, int Attempt, SlotStage Stage);

/// <summary>
/// One master at a time (SCALING §4): an object in the store, renewed under its ETag. Whether it may act, a master knows by its own steady clock alone, from before
/// the renewing call was sent; and it takes over only when it has itself seen the same bytes for a whole lease, so that no clock set wrong makes two masters. The
/// object also says which orders were given: written before the cloud is asked, so that a successor repeats an order that may have been heard instead of giving another.
/// </summary>
internal sealed class Lease(IObjectStore store, string owner, Func<LifePolicy> policy, TimeProvider time)
{
    private const string Name = "m/lease";
    private const int MostSlots = 1000;

    private string? _etag;
    private long? _since;
    private (string ETag, long At)? _others;

    /// <summary>Rises with every change of the owner; 0: never led.</summary>
    public long Epoch { get; private set; }

    /// <summary>All orders given under this lease and those before it, by slot. To be changed by its holder, and written with the next renewal.</summary>
    public Dictionary<int, SlotUse> Slots { get; private set; } = [];

    /// <summary>What has been used within a day, by this master's count or the one's before it. To be changed by its holder, and written with the next renewal. Null: nobody has counted.</summary>
    public DayUse? Day { get; set; }

    /// <summary>How long nobody else can lead, proven.</summary>
    public TimeSpan Left => _since is { } since ? policy().Lease - time.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Whether it may act now.</summary>
    public bool IsHeld => _since is not null && Left >= policy().LeaseLeast;

    /// <summary>Renews it when that is due. False: it is another's, or the store cannot say, and there is too little left to act.</summary>
    public async Task<bool> EnsureAsync(CancellationToken ct)
    {
        if (IsHeld && time.GetElapsedTime(_since!.Value) < policy().LeaseRenew) return true;
        try
        {
            return await WriteAsync(ct) || IsHeld;
        }
        catch (StoreTroubleException)
        {
            return IsHeld;
        }
    }

    /// <summary>Writes down the orders at once. False: they are not known to stand, so nothing may be ordered.</summary>
    public async Task<bool> SaveAsync(CancellationToken ct)
    {
        try
        {
            return IsHeld && await WriteAsync(ct);
        }
        catch (StoreTroubleException)
        {
            return false;
        }
    }

    /// <summary>Gives it up, so that a successor need not wait. Best effort.</summary>
    public async Task ReleaseAsync(CancellationToken ct)
    {
        if (_since is null || _etag is null) return;
        _since = null;
        try
        {
            await store.PutAsync(Name, Bytes("", time.GetUtcNow()), _etag, ct);
        }
        catch (StoreTroubleException)
        {
            // It runs out by itself.
        }
    }

    private async Task<bool> WriteAsync(CancellationToken ct)
    {
        bool mine = _etag is not null && Epoch > 0;
        if (!mine && !await ReadAsync(ct)) return false;
        long sent = time.GetTimestamp();
        byte[] bytes = Bytes(owner, time.GetUtcNow() + policy().Lease);
        string? etag = _etag;
        // Whatever comes of it: unless it is known to stand, it is read again first.
        _etag = null;
        if (await store.PutAsync(Name, bytes, etag, ct) == PutResult.Refused)
        {
            _since = null;
            return false;
        }

        _etag = (await store.GetAsync(Name, ct)) is { } now && now.Bytes.Span.SequenceEqual(bytes) ? now.ETag : null;
        if (_etag is null) return false;
        _since = sent;
        return true;
    }

    // Whether it may be taken, and if so the epoch under which.
    private async Task<bool> ReadAsync(CancellationToken ct)
    {
        StoredObject? there = await store.GetAsync(Name, ct);
        if (there is null)
        {
            (_etag, Epoch) = (null, Math.Max(1, Epoch + 1));
            return true;
        }

        LeaseObject lease = Parse(there.Bytes.Span);
        if (lease.Owner == owner && lease.Epoch == Epoch)
        {
            _etag = there.ETag;
            return true;
        }

        _since = null;
        if (lease.Owner.Length > 0)
        {
            if (_others is not { } seen || seen.ETag != there.ETag)
            {
                _others = (there.ETag, time.GetTimestamp());
                return false;
            }

            if (time.GetElapsedTime(seen.At) < policy().Lease) return false;
        }

        (_etag, _others, Epoch) = (there.ETag, null, Math.Max(lease.Epoch, Epoch) + 1);
        Slots = (lease.Slots ?? []).Take(MostSlots).ToDictionary(s => s.Slot, s => new SlotUse(s.Generation, s.Attempt, s.Stage));
        Day = lease.Day is { IsSound: true } day ? day : null;
        return true;
    }

    private static LeaseObject Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (JsonSerializer.Deserialize(bytes, LeaseJson.Default.LeaseObject) is { Owner: not null } lease) return lease;
        }
        catch (JsonException e)
        {
            throw new StoreTroubleException("The lease cannot be read.", e);
        }

        throw new StoreTroubleException("The lease says nothing.");
    }

    private byte[] Bytes(string who, DateTimeOffset expires) => JsonSerializer.SerializeToUtf8Bytes(
        new LeaseObject(who, Epoch, expires, [.. Slots.OrderBy(s => s.Key).Select(s => new LeaseSlot(s.Key, s.Value.Generation, s.Value.Attempt, s.Value.Stage))], Day),
        LeaseJson.Default.LeaseObject);
}

/// <summary>The object.</summary>
/// <param name="Owner">Random for each process; empty: given up.</param>
/// <param name="Epoch">See <see cref="Lease.Epoch"/>.</param>
/// <param name="Expires">For people: no master trusts another's clock.</param>
/// <param name="Slots">The newest order of each slot.</param>
/// <param name="Day">What has been used within a day; null: a master wrote it that did not hand it on.</param>
internal sealed record LeaseObject(string Owner, long Epoch, DateTimeOffset Expires, IReadOnlyList<LeaseSlot>? Slots, DayUse? Day);

/// <summary>See <see cref="SlotUse"/>.</summary>
internal sealed record LeaseSlot(int Slot, int Generation, int Attempt, SlotStage Stage);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LeaseObject))]
internal sealed partial class LeaseJson : JsonSerializerContext;
