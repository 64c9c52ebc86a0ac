using GlobalCache.Chaos.World;

namespace GlobalCache.Chaos.Parts;

/// <summary>
/// Calls to somebody else's service. A call travels there, happens, and its answer travels back; each of the three may fail, and the caller may die between any two.
/// What was sent happens even so.
/// </summary>
/// <param name="world">Where it is.</param>
/// <param name="name">Whose calls; its chance is its own.</param>
/// <param name="trouble">What a caller is told where no answer comes.</param>
internal sealed class FarCalls(Simulation world, string name, Func<string, Exception> trouble)
{
    private static readonly TimeSpan s_refusal = TimeSpan.FromMilliseconds(5), s_patience = TimeSpan.FromSeconds(5);

    private readonly Random _dice = world.Dice(name);

    /// <summary>Nothing is answered, or everything is refused.</summary>
    public bool IsDown { get; set; }

    /// <summary>Share of calls that fail, on their way there or back.</summary>
    public double Lost { get; set; }

    /// <summary>So many times as slow as usual.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>So many have been made.</summary>
    public long Count { get; private set; }

    /// <summary>One call.</summary>
    /// <param name="life">Who asks.</param>
    /// <param name="act">What happens there.</param>
    /// <param name="ct">The caller wants it no more.</param>
    public Task<T> CallAsync<T>(Life life, Func<T> act, CancellationToken ct)
    {
        var answer = new TaskCompletionSource<T>();
        CancellationTokenRegistration cancelled = ct.UnsafeRegister(_ => answer.TrySetCanceled(ct), null);
        TimeSpan there = Way(), back = Way();
        Count++;
        if (IsDown)
        {
            // Half of them are refused at once, for the others the call hangs.
            world.After(life, _dice.Next(2) == 0 ? s_refusal : s_patience, () => Fail("down"));
            return answer.Task;
        }
        bool isLost = _dice.NextDouble() < Lost, happens = !isLost || _dice.Next(2) == 0;
        world.After(there, () =>
        {
            T result = happens ? act() : default!;
            world.After(life, back, () =>
            {
                if (isLost)
                {
                    Fail("lost");
                    return;
                }
                cancelled.Dispose();
                answer.TrySetResult(result);
            });
        });
        return answer.Task;

        void Fail(string why)
        {
            cancelled.Dispose();
            answer.TrySetException(trouble(why));
        }
    }

    private TimeSpan Way() => TimeSpan.FromMilliseconds((2 + (8 * _dice.NextDouble())) * Slowness);
}
