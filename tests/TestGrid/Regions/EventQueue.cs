using System.Security.Cryptography;
using System.Text;

namespace GlobalCache.TestGrid.Regions;

/// <summary>
/// One region's event queue for one agent (PROTOCOL §4.1): events wait for a poll, a poll waits for events. What a poll has
/// taken is gone, acked or not: OpenSimulator does not send again either.
/// </summary>
internal sealed class EventQueue(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly List<string> events = [];
    private TaskCompletionSource? arrival;
    private int id = RandomNumberGenerator.GetInt32(1_000_000, 30_000_000);
    private bool closed;

    /// <summary>Polls that are waiting now.</summary>
    public int Waiting { get; private set; }

    /// <summary>Adds one event: a name and its LLSD body.</summary>
    public void Add(string message, string body) =>
        AddRaw($"<map><key>message</key><string>{message}</string><key>body</key>{body}</map>");

    public void AddRaw(string llsd)
    {
        lock (gate)
        {
            events.Add(llsd);
            arrival?.TrySetResult();
        }
    }

    /// <summary>From now on the queue is gone: polls, waiting ones too, end in 404.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            arrival?.TrySetResult();
        }
    }

    /// <summary>A reply's LLSD; "" when <paramref name="patience"/> ran out; null when the queue is gone.</summary>
    public async Task<string?> PollAsync(TimeSpan patience, CancellationToken cancelled)
    {
        Task waiting;
        lock (gate)
        {
            if (closed) return null;
            if (events.Count > 0) return Take_NeedsLock();
            // A second poll releases the first, as a viewer that came back expects.
            arrival?.TrySetResult();
            arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = arrival.Task;
            Waiting++;
        }

        try
        {
            await waiting.WaitAsync(patience, time, cancelled);
        }
        catch (TimeoutException)
        {
            return "";
        }
        finally
        {
            lock (gate) Waiting--;
        }

        lock (gate)
        {
            if (closed) return null;
            return events.Count > 0 ? Take_NeedsLock() : "";
        }
    }

    private string Take_NeedsLock()
    {
        var reply = new StringBuilder("<llsd><map><key>events</key><array>");
        foreach (string one in events) reply.Append(one);
        events.Clear();
        return reply.Append("</array><key>id</key><integer>").Append(++id).Append("</integer></map></llsd>").ToString();
    }
}
