using System.Collections;
using System.Collections.Immutable;

namespace Pulumi;

/// <summary>What is recorded of an input.</summary>
internal interface IInput
{
    IOutput Output { get; }
}

public class Input<T> : IInput
{
    private Output<T> _output;

    private protected Input(Output<T> output) => _output = output;

    IOutput IInput.Output => _output;

    private protected Output<T> Whole
    {
        get => _output;
        set => _output = value;
    }

    public static implicit operator Input<T>(T value) => new(Pulumi.Output.Create(value));

    public static implicit operator Input<T>(Output<T> value) => new(value);

    public static implicit operator Output<T>(Input<T> input) => input._output;
}

/// <summary>A list that can be written as one, with values that are known beside others that are not.</summary>
public sealed class InputList<T> : Input<ImmutableArray<T>>, IEnumerable
{
    private InputList(Output<ImmutableArray<T>> output) : base(output)
    {
    }

    public InputList() : base(Pulumi.Output.Create(ImmutableArray<T>.Empty))
    {
    }

    public void Add(params Input<T>[] inputs) =>
        Whole = Pulumi.Output.Tuple(Whole, Pulumi.Output.All(inputs.Select(i => (Output<T>)i))).Apply(both => both.Item1.AddRange(both.Item2));

    public IEnumerator GetEnumerator() => throw new NotSupportedException("The SDK's cannot be walked either; this is for list initialisers.");

    public static implicit operator InputList<T>(T value) => new(Pulumi.Output.Create(ImmutableArray.Create(value)));

    public static implicit operator InputList<T>(Output<T> value) => new(Pulumi.Output.All(value));

    public static implicit operator InputList<T>(T[] values) => new(Pulumi.Output.Create(ImmutableArray.Create(values)));

    public static implicit operator InputList<T>(Output<T>[] values) => new(Pulumi.Output.All(values));

    public static implicit operator InputList<T>(Output<ImmutableArray<T>> values) => new(values);
}

public sealed class InputMap<T> : Input<ImmutableDictionary<string, T>>, IEnumerable
{
    private InputMap(Output<ImmutableDictionary<string, T>> output) : base(output)
    {
    }

    public InputMap() : base(Pulumi.Output.Create(ImmutableDictionary<string, T>.Empty))
    {
    }

    public void Add(string key, Input<T> value) => Whole = Pulumi.Output.Tuple(Whole, (Output<T>)value).Apply(both => both.Item1.SetItem(key, both.Item2));

    public IEnumerator GetEnumerator() => throw new NotSupportedException("The SDK's cannot be walked either; this is for initialisers.");

    public static implicit operator InputMap<T>(Dictionary<string, T> values) => new(Pulumi.Output.Create(values.ToImmutableDictionary()));

    public static implicit operator InputMap<T>(ImmutableDictionary<string, T> values) => new(Pulumi.Output.Create(values));
}

/// <summary>One of two; what the stack gives is the first.</summary>
public sealed class InputUnion<T0, T1> : Input<object>
{
    private InputUnion(Output<object> output) : base(output)
    {
    }

    public static implicit operator InputUnion<T0, T1>(T0 value) => new(Pulumi.Output.Create<object>(value!));

    public static implicit operator InputUnion<T0, T1>(Output<T0> value) => new(value.Apply(v => (object)v!));
}
