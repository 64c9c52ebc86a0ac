namespace GlobalCache.Tests.Support;

/// <summary>
/// Programs beyond .NET that some tests need. Without them such a test is skipped with that reason; under <c>CI=true</c>
/// it fails instead, so that nothing is skipped unseen.
/// </summary>
internal static class Needs
{
    private static readonly bool Obligatory = Environment.GetEnvironmentVariable("CI") == "true";

    public static string Program(string name, string how)
    {
        string? found = Find(name);
        That(found is not null, $"{name} is not installed: {how}");
        return found!;
    }

    private static string? Find(string name) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    public static void That(bool condition, string reason)
    {
        if (Obligatory) Assert.True(condition, reason);
        Assert.SkipUnless(condition, reason);
    }
}
