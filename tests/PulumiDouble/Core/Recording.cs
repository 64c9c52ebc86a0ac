using System.Collections;
using System.Collections.Immutable;
using System.Reflection;

namespace Pulumi;

/// <summary>One resource as it would be sent to the engine.</summary>
/// <param name="Type">Such as <c>aws:s3/bucket:Bucket</c>.</param>
/// <param name="Name">Its name in the stack.</param>
/// <param name="Parent">Name of its component; null: none.</param>
/// <param name="Inputs">Under their wire names; maps, lists, strings, numbers, booleans, <see cref="Recording.Unknown"/>. Empty for a component.</param>
/// <param name="Options">What was said about it beside.</param>
internal sealed record Declared(string Type, string Name, string? Parent, IReadOnlyDictionary<string, object?> Inputs, ResourceOptions Options)
{
    public bool IsComponent { get; init; }
}

/// <summary>What a program declares, without an engine: it is run once, in its own flow, and every resource is kept.</summary>
internal sealed class Recording
{
    /// <summary>Stands for what is not known in a preview.</summary>
    public static readonly object Unknown = new UnknownValue();

    private static readonly AsyncLocal<Recording?> s_current = new();
    private readonly Func<Declared, string, object?> _answers;
    private readonly Func<string, object> _calls;
    private readonly HashSet<Resource> _open = [];

    private Recording(Func<Declared, string, object?> answers, Func<string, object> calls) => (_answers, _calls) = (answers, calls);

    public static Recording Current => s_current.Value ?? throw new InvalidOperationException("Resources are declared within a recording.");

    public required string Stack { get; init; }

    public required string Root { get; init; }

    public required bool IsPreview { get; init; }

    public List<Declared> Resources { get; } = [];

    public List<string> Said { get; } = [];

    public IReadOnlyDictionary<string, object?> Outputs { get; private set; } = ImmutableDictionary<string, object?>.Empty;

    /// <summary>Runs a program.</summary>
    /// <param name="program">Declares resources, and gives the stack's outputs.</param>
    /// <param name="stack">The stack's name.</param>
    /// <param name="root">Where <c>Pulumi.yaml</c> lies.</param>
    /// <param name="isPreview">Nothing is known but what can be asked of the cloud.</param>
    /// <param name="answers">A resource's output by wire name; null: the input of that name.</param>
    /// <param name="calls">What the cloud answers to a call, by its token.</param>
    public static Recording Run(Func<IDictionary<string, object?>> program, string stack, string root, bool isPreview, Func<Declared, string, object?> answers, Func<string, object> calls)
    {
        var recording = new Recording(answers, calls) { Stack = stack, Root = root, IsPreview = isPreview };
        s_current.Value = recording;
        try
        {
            recording.Outputs = program().ToImmutableDictionary(o => o.Key, o => Wire(o.Value));
            if (recording._open.Count > 0) throw new InvalidOperationException($"The component {recording._open.First().ResourceName} does not end with RegisterOutputs.");
            return recording;
        }
        finally
        {
            s_current.Value = null;
        }
    }

    public Declared Declare(Resource resource, ResourceArgs? args, ResourceOptions options)
    {
        var declared = new Declared(resource.ResourceType, resource.ResourceName, options.Parent?.ResourceName, args is null ? ImmutableDictionary<string, object?>.Empty : Inputs(args), options) { IsComponent = args is null };
        if (Resources.Any(r => r.Type == declared.Type && r.Name == declared.Name && r.Parent == declared.Parent))
            throw new InvalidOperationException($"There are two {declared.Type} of the name {declared.Name}.");
        Resources.Add(declared);
        if (resource is ComponentResource) _open.Add(resource);
        return declared;
    }

    public void Close(Resource component) => _open.Remove(component);

    public object Call(string token, InvokeArgs args) => _calls(token);

    /// <summary>An <c>Output</c> of the type wanted.</summary>
    public object Answer(Declared declared, string output, Type type)
    {
        // What the program itself has said is known in a preview, too; what the cloud gives is not.
        object? said = declared.Inputs.GetValueOrDefault(output);
        object? value = IsPreview ? said : _answers(declared, output) ?? said;
        bool isKnown = value is not null && value != Unknown;
        if (!isKnown && !IsPreview) throw new InvalidOperationException($"The cloud gives no {output} for {declared.Type}.");
        return Activator.CreateInstance(typeof(Output<>).MakeGenericType(type), BindingFlags.NonPublic | BindingFlags.Instance, null, [isKnown ? value : null, isKnown], null)!;
    }

    private static Dictionary<string, object?> Inputs(ResourceArgs args)
    {
        var inputs = new Dictionary<string, object?>();
        const BindingFlags all = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        foreach (MemberInfo member in args.GetType().GetMembers(all))
        {
            if (member.GetCustomAttribute<InputAttribute>() is not { } input) continue;
            object? value = Wire(member is PropertyInfo property ? property.GetValue(args) : ((FieldInfo)member).GetValue(args));
            if (value is null && input.IsRequired) throw new InvalidOperationException($"{args.GetType().Name} lacks {input.Name}.");
            if (value is not null) inputs[input.Name] = value;
        }

        return inputs;
    }

    private static object? Wire(object? value) => value switch
    {
        null => null,
        IInput input => Wire(input.Output),
        IOutput output => output.IsKnown ? Wire(output.Value) : Unknown,
        ResourceArgs args => Inputs(args),
        AssetOrArchive asset => asset,
        string => value,
        IDictionary map => map.Keys.Cast<string>().ToDictionary(k => k, k => Wire(map[k])),
        IEnumerable list => list.Cast<object?>().Select(Wire).ToList(),
        _ => value,
    };

    private sealed class UnknownValue
    {
        public override string ToString() => "(not known yet)";
    }
}
