using System.Runtime.CompilerServices;

namespace GlobalCache.Chaos.World;

/// <summary>
/// The process's thread pool, which has one worker. The product is as it is: it starts tasks, completes them elsewhere, sends continuations to the pool. With one
/// worker all of that happens in one order, and the world goes on when nothing of it is left.
/// </summary>
internal static class Pool
{
    /// <summary>Whether anything has been handed to the pool that has not been done.</summary>
    public static bool IsBusy => ThreadPool.PendingWorkItemCount > 0;

    /// <exception cref="InvalidOperationException">The process was started in another way: nothing would be reproducible.</exception>
    public static void Demand()
    {
        ThreadPool.GetMaxThreads(out int workers, out _);
        if (workers != 1) throw new InvalidOperationException($"The pool has {workers} threads instead of one: start the program by its own runtimeconfig.json.");
    }

    /// <summary>Ends when all that was handed to the pool has been done, and all that came of it.</summary>
    public static async ValueTask DrainAsync()
    {
        do await default(Last);
        while (IsBusy);
    }

    /// <summary>Behind all that waits: the worker takes its own queue first, then the common one in order.</summary>
    private readonly struct Last : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public Last GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => ThreadPool.UnsafeQueueUserWorkItem(static act => act(), continuation, preferLocal: false);
    }
}
