using System.Collections.Immutable;

namespace Pulumi;

/// <summary>
/// A value that the cloud may not have given yet. The SDK's is a task; here all of it is known at once or, as in a preview, not at all.
/// </summary>
public sealed class Output<T> : IOutput
{
    private readonly T _value;

    internal Output(T value, bool isKnown = true) => (_value, IsKnown) = (value, isKnown);

    /// <summary>Whether it has its value.</summary>
    public bool IsKnown { get; }

    object? IOutput.Value => _value;

    internal T Value => IsKnown ? _value : throw new InvalidOperationException("This is not known in a preview.");

    public Output<TResult> Apply<TResult>(Func<T, TResult> func) => IsKnown ? new(func(_value)) : Output.Unknown<TResult>();

    public Output<TResult> Apply<TResult>(Func<T, Output<TResult>> func) => IsKnown ? func(_value) : Output.Unknown<TResult>();
}

/// <summary>What is recorded of an output.</summary>
internal interface IOutput
{
    bool IsKnown { get; }

    object? Value { get; }
}

public static class Output
{
    internal static Output<T> Unknown<T>() => new(default!, isKnown: false);

    public static Output<T> Create<T>(T value) => new(value);

    public static Output<ImmutableArray<T>> All<T>(params Output<T>[] outputs) => All(outputs.AsEnumerable());

    public static Output<ImmutableArray<T>> All<T>(IEnumerable<Output<T>> outputs)
    {
        Output<T>[] all = [.. outputs];
        return all.All(o => o.IsKnown) ? new([.. all.Select(o => o.Value)]) : Unknown<ImmutableArray<T>>();
    }

    public static Output<(T1, T2)> Tuple<T1, T2>(Output<T1> one, Output<T2> two) =>
        one.IsKnown && two.IsKnown ? new((one.Value, two.Value)) : Unknown<(T1, T2)>();

    public static Output<(T1, T2, T3)> Tuple<T1, T2, T3>(Output<T1> one, Output<T2> two, Output<T3> three) =>
        Tuple(Tuple(one, two), three).Apply(t => (t.Item1.Item1, t.Item1.Item2, t.Item2));
}
