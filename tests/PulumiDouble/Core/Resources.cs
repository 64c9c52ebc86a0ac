using System.Reflection;

namespace Pulumi;

public abstract class ResourceArgs;

public abstract class InvokeArgs;

public abstract class ResourceOptions
{
    private InputList<Resource>? _dependsOn;

    public Resource? Parent { get; set; }

    public bool? Protect { get; set; }

    public List<string> IgnoreChanges { get; set; } = [];

    public InputList<Resource> DependsOn
    {
        get => _dependsOn ??= [];
        set => _dependsOn = value;
    }
}

public sealed class CustomResourceOptions : ResourceOptions
{
    public bool? DeleteBeforeReplace { get; set; }
}

public sealed class ComponentResourceOptions : ResourceOptions;

public abstract class Resource
{
    private protected Resource(string type, string name)
    {
        (ResourceType, ResourceName) = (type, name);
    }

    internal string ResourceType { get; }

    internal string ResourceName { get; }
}

/// <summary>Something in the cloud. Its outputs are what the recording's answers say.</summary>
public class CustomResource : Resource
{
    [Output("id")]
    public Output<string> Id { get; private set; } = null!;

    public CustomResource(string type, string name, ResourceArgs args, CustomResourceOptions? options = null) : base(type, name)
    {
        Declared declared = Recording.Current.Declare(this, args, options ?? new CustomResourceOptions());
        foreach (PropertyInfo property in GetType().GetProperties())
        {
            if (property.GetCustomAttribute<OutputAttribute>() is not { } output) continue;
            // A private setter is its own class's.
            property.DeclaringType!.GetProperty(property.Name)!.SetValue(this, Recording.Current.Answer(declared, output.Name, property.PropertyType.GetGenericArguments()[0]));
        }
    }
}

/// <summary>A group of resources under one name.</summary>
public class ComponentResource : Resource
{
    public ComponentResource(string type, string name, ComponentResourceOptions? options = null) : base(type, name) =>
        Recording.Current.Declare(this, null, options ?? new ComponentResourceOptions());

    protected void RegisterOutputs() => Recording.Current.Close(this);
}
