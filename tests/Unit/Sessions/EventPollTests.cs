using System.Text;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Edge;
using GlobalCache.Policy;
using Microsoft.Extensions.Time.Testing;

#pragma warning disable xUnit1051 // Nothing here waits without a bound.

namespace GlobalCache.Tests.Sessions;

/// <summary>One event queue between a sim that forgets what it has sent and a viewer that drops whenever it likes.</summary>
public sealed class EventPollTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task T25_Whatever_sim_and_viewer_do_every_event_arrives_once_for_each_acknowledgement_and_in_order(int seed)
    {
        var random = new Random(seed);
        var time = new FakeTimeProvider();
        using var ended = new CancellationTokenSource();
        var sim = new Sim(seed, time);
        var open = new List<Task>();
        var poll = new EventPoll(reply => (reply, long.Parse(Encoding.ASCII.GetString(reply.Body.Span))), () => { }, open.Add,
            new ClientLimits(), time, ended.Token);
        using var stop = new CancellationTokenSource();
        Task clock = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                time.Advance(TimeSpan.FromSeconds(5));
                await Task.Delay(1);
            }
        });

        var seen = new List<long>();
        int drops = 0, errors = 0;
        while (seen.Count < 25 && drops + errors < 2000)
        {
            long asked = time.GetTimestamp();
            string ack = seen.Count == 0 ? "undef" : $"id {seen[^1]}";
            using var viewer = new CancellationTokenSource();
            if (random.Next(3) == 0) viewer.CancelAfter(random.Next(4));
            try
            {
                GridReply reply = await poll.AnswerAsync(new EventQueueRequest(ack, false), sim.AnswerAsync, viewer.Token).WaitAsync(TimeSpan.FromSeconds(30));
                if (reply.Status == 200)
                {
                    seen.Add(long.Parse(Encoding.ASCII.GetString(reply.Body.Span)));
                    continue;
                }
                errors++;
                Assert.Equal(502, reply.Status);
                Assert.True(time.GetElapsedTime(asked) >= TimeSpan.FromSeconds(10));
            }
            catch (OperationCanceledException) when (viewer.IsCancellationRequested)
            {
                drops++;
            }
        }
        Assert.Equal(Enumerable.Range(1, 25).Select(i => (long)i), seen);
        Assert.Equal(1, sim.MostOpen);
        Assert.True(drops > 0 && sim.Refused > 0);

        await ended.CancelAsync();
        Assert.Equal(404, (await poll.AnswerAsync(new EventQueueRequest("undef", false), sim.AnswerAsync, default)).Status);
        await stop.CancelAsync();
        await clock;
        await Task.WhenAll(open).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(0, sim.Open);
    }

    /// <summary>Answers, refuses or breaks off at random; an event it has answered with is never sent again.</summary>
    private sealed class Sim(int seed, TimeProvider time)
    {
        private readonly Random _random = new(seed * 7919);
        private int _open;
        private int _next;

        public int MostOpen { get; private set; }

        public int Open => _open;

        public int Refused { get; private set; }

        public async Task<GridReply> AnswerAsync(CancellationToken ct)
        {
            MostOpen = Math.Max(MostOpen, Interlocked.Increment(ref _open));
            try
            {
                if (_random.Next(2) == 0) await Task.Delay(TimeSpan.FromSeconds(_random.Next(70)), time, ct);
                await Task.Yield();
                ct.ThrowIfCancellationRequested();
                switch (_random.Next(4))
                {
                    case 0:
                        Refused++;
                        return GridReply.Own(502);
                    case 1:
                        throw new HttpRequestException();
                    default:
                        return new GridReply(200, [], Encoding.ASCII.GetBytes((++_next).ToString()));
                }
            }
            finally
            {
                Interlocked.Decrement(ref _open);
            }
        }
    }
}
