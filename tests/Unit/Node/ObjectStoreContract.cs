using GlobalCache.Office.Stores;

namespace GlobalCache.Tests.Node;

/// <summary>What every object store promises (<see cref="IObjectStore"/>); a suite that each of them runs.</summary>
public abstract class ObjectStoreContract
{
    internal abstract IObjectStore Store { get; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_not_there_is_null()
    {
        Assert.Null(await Store.GetAsync(NewName(), Ct));
        Assert.Null(await Store.PeekAsync(NewName(), 84, Ct));
    }

    [Fact]
    public async Task An_object_is_written_only_where_none_is_and_read_back_whole_or_in_part()
    {
        string name = NewName();
        byte[] bytes = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * 31 >> 3))];
        Assert.Equal(PutResult.Written, await Store.PutAsync(name, bytes, ifMatch: null, Ct));
        Assert.Equal(PutResult.Refused, await Store.PutAsync(name, new byte[] { 1 }, ifMatch: null, Ct));
        StoredObject whole = (await Store.GetAsync(name, Ct))!, part = (await Store.PeekAsync(name, 84, Ct))!;
        Assert.Equal(bytes, whole.Bytes.ToArray());
        Assert.Equal(bytes[..84], part.Bytes.ToArray());
        Assert.Equal(whole.ETag, part.ETag);
        Assert.Equal(bytes, (await Store.PeekAsync(name, 1 << 20, Ct))!.Bytes.ToArray());
    }

    [Fact]
    public async Task An_object_is_replaced_only_by_one_who_has_seen_it()
    {
        string name = NewName();
        Assert.Equal(PutResult.Refused, await Store.PutAsync(name, new byte[] { 1 }, "0123456789abcdef0123456789abcdef", Ct));
        await Store.PutAsync(name, new byte[] { 1 }, ifMatch: null, Ct);
        string first = (await Store.GetAsync(name, Ct))!.ETag;
        Assert.Equal(PutResult.Written, await Store.PutAsync(name, new byte[] { 2 }, first, Ct));
        Assert.Equal(PutResult.Refused, await Store.PutAsync(name, new byte[] { 3 }, first, Ct));
        Assert.Equal([2], (await Store.GetAsync(name, Ct))!.Bytes.ToArray());
    }

    [Fact]
    public async Task Of_many_who_write_at_once_one_wins_and_reads_never_see_half_of_it()
    {
        for (int race = 0; race < 20; race++)
        {
            string name = NewName();
            Task<PutResult>[] racers = [.. Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
                await Store.PutAsync(name, Enumerable.Repeat((byte)i, 50_000).ToArray(), ifMatch: null, Ct), Ct))];
            Task<StoredObject?> read = Task.Run(async () => await Store.GetAsync(name, Ct), Ct);
            PutResult[] results = await Task.WhenAll(racers);
            Assert.Single(results, r => r == PutResult.Written);
            byte winner = (byte)Array.IndexOf(results, PutResult.Written);
            if (await read is { } seen) Assert.True(seen.Bytes.Length == 50_000 && !seen.Bytes.Span.ContainsAnyExcept(winner));
            Assert.Equal(winner, (await Store.GetAsync(name, Ct))!.Bytes.Span[0]);
        }
    }

    [Fact]
    public async Task Counting_by_compare_and_swap_loses_nothing()
    {
        string name = NewName();
        await Store.PutAsync(name, BitConverter.GetBytes(0), ifMatch: null, Ct);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (int done = 0; done < 25;)
            {
                StoredObject now = (await Store.GetAsync(name, Ct))!;
                if (await Store.PutAsync(name, BitConverter.GetBytes(BitConverter.ToInt32(now.Bytes.Span) + 1), now.ETag, Ct) == PutResult.Written) done++;
            }
        }, Ct)));
        Assert.Equal(100, BitConverter.ToInt32((await Store.GetAsync(name, Ct))!.Bytes.Span));
    }

    private protected static string NewName() => $"a/{Guid.NewGuid():n}{Guid.NewGuid():n}";
}
