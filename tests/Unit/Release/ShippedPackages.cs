using System.Text.Json;
using System.Xml.Linq;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Release;

/// <summary>A package that comes with one of the programs, as its own file says.</summary>
internal sealed record ShippedPackage(string Name, string Version, string License, string Authors);

/// <summary>What ships with the client, the node and the master: what their lock files name, but for what is there for the build alone.</summary>
internal static class ShippedPackages
{
    private static readonly string[] s_programs = ["client", "node", "master"];

    public static IReadOnlyList<ShippedPackage> Read() =>
    [
        .. s_programs.SelectMany(Locked).DistinctBy(p => p.Name.ToUpperInvariant()).OrderBy(p => p.Name, StringComparer.OrdinalIgnoreCase)
            .Select(p => Describe(p.Name, p.Version)).OfType<ShippedPackage>(),
    ];

    private static IEnumerable<(string Name, string Version)> Locked(string program)
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, program, "packages.lock.json")));
        foreach (JsonProperty framework in file.RootElement.GetProperty("dependencies").EnumerateObject())
        {
            foreach (JsonProperty package in framework.Value.EnumerateObject())
            {
                if (package.Value.TryGetProperty("resolved", out JsonElement version)) yield return (package.Name, version.GetString()!);
            }
        }
    }

    /// <summary>Null: it is there for the build alone.</summary>
    private static ShippedPackage? Describe(string name, string version)
    {
        string id = name.ToLowerInvariant();
        XElement about = XDocument.Load(Path.Combine(Folder, id, version, id + ".nuspec")).Root!.Elements().First(e => e.Name.LocalName == "metadata");
        string? Of(string element) => about.Elements().FirstOrDefault(e => e.Name.LocalName == element)?.Value.Trim();
        if (Of("developmentDependency") == "true") return null;
        XElement? license = about.Elements().FirstOrDefault(e => e.Name.LocalName == "license");
        return new ShippedPackage(name, version, license?.Attribute("type")?.Value == "expression" ? license.Value.Trim() : "in a file of its own", Of("authors") ?? "");
    }

    private static string Folder => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
