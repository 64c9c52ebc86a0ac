using System.Reflection;

namespace GlobalCache.Tests.Support;

/// <summary>Where the repository lies: tests read recordings and configuration in place.</summary>
internal static class Repository
{
    public static string Root { get; } = typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public static string Vector(string name) => Path.Combine(Root, "tests", "Vectors", name);

    public static byte[] Asset(string uuid) => File.ReadAllBytes(Path.Combine(Root, "tests", "Vectors", "assets", uuid));
}
