namespace GlobalCache.Tests.Support;

/// <summary>For what another thread does a moment after the answer that tells of it.</summary>
internal static class Eventually
{
    public static async Task EqualAsync<T>(T expected, Func<T> actual)
    {
        for (int i = 0; i < 250 && !EqualityComparer<T>.Default.Equals(expected, actual()); i++) await Task.Delay(20);
        Assert.Equal(expected, actual());
    }
}
