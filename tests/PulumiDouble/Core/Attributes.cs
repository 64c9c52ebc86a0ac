namespace Pulumi;

/// <summary>Gives an input its wire name; on a list or map, on the field behind it, so that one never touched is not sent.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class InputAttribute(string name, bool required = false) : Attribute
{
    internal string Name => name;

    internal bool IsRequired => required;
}

/// <summary>Gives an output its wire name.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OutputAttribute(string name) : Attribute
{
    public string Name => name;
}

/// <summary>A structure within an output.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class OutputTypeAttribute : Attribute;

/// <summary>How such a structure is made of what came over the wire.</summary>
[AttributeUsage(AttributeTargets.Constructor)]
public sealed class OutputConstructorAttribute : Attribute;

/// <summary>Known values of a string.</summary>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class EnumTypeAttribute : Attribute;
