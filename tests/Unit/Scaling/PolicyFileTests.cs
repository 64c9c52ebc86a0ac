using GlobalCache.Master.Policy;
using GlobalCache.Policy;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Scaling;

/// <summary>The policy file: changes take effect while the master runs, bad ones never do.</summary>
public sealed class PolicyFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".json");
    private readonly List<GridPolicy> _taken = [];
    private readonly List<IReadOnlyList<string>> _refused = [];
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Without_a_file_the_defaults_hold_and_with_one_what_it_says()
    {
        PolicyFile file = Watched();
        Assert.True(file.Look());
        Assert.Equal(new ScalingPolicy(), _taken.Single().Scaling);

        File.WriteAllText(_path, """{"scaling":{"max":5,"upLoad":0.95,"calm":"00:07:00","life":{"drainQuiet":"00:01:30"}}}""");
        Assert.True(file.Look());
        ScalingPolicy policy = _taken[^1].Scaling;
        Assert.Equal((5, 0.95, TimeSpan.FromMinutes(7), TimeSpan.FromSeconds(90)), (policy.Max, policy.UpLoad, policy.Calm, policy.Life.DrainQuiet));
        Assert.True(file.Look());
        Assert.Equal(2, _taken.Count);
    }

    [Fact]
    public void All_that_is_wrong_is_said_once_each_a_sentence_that_names_the_property_and_what_runs_stays()
    {
        PolicyFile file = Watched();
        File.WriteAllText(_path, """{"scaling":{"max":5}}""");
        Assert.True(file.Look());
        File.WriteAllText(_path, """{"scaling":{"min":9,"max":5,"upLoad":1.7,"tick":"01:00:00"},"nodes":0}""");
        for (int i = 0; i < 4; i++) Assert.False(file.Look());
        string[] wrong = [.. Assert.Single(_refused)];
        Assert.All((string[])["Scaling.Max", "Scaling.UpLoad", "Scaling.Tick", "Nodes"], name => Assert.Contains(wrong, w => w.StartsWith(name + ": ", StringComparison.Ordinal) && w.EndsWith('.')));
        Assert.Single(_taken);

        File.WriteAllText(_path, """{"scaling":{"max":6}}""");
        Assert.True(file.Look());
        Assert.Equal(6, _taken[^1].Scaling.Max);
    }

    [Theory]
    [InlineData("""{"scaling":{"maximum":5}}""", "maximum")]
    [InlineData("""{"scaling":{"max":"five"}}""", "scaling.max")]
    [InlineData("""{"scaling":null}""", "scaling")]
    [InlineData("no json", "The document")]
    [InlineData("", "The document")]
    public void What_is_no_policy_is_refused_with_its_place(string text, string place)
    {
        File.WriteAllText(_path, text);
        Assert.False(Watched().Look());
        Assert.Contains(place, Assert.Single(Assert.Single(_refused)));
        Assert.Empty(_taken);
    }

    [Fact]
    public void A_half_written_file_is_not_complained_of_and_one_that_vanishes_changes_nothing()
    {
        PolicyFile file = Watched();
        File.WriteAllText(_path, """{"nodes":2}""");
        Assert.True(file.Look());
        File.WriteAllText(_path, """{"nodes":3""");
        Assert.False(file.Look());
        File.WriteAllText(_path, """{"nodes":3}""");
        Assert.True(file.Look());
        Assert.Empty(_refused);

        File.Delete(_path);
        for (int i = 0; i < 3; i++) Assert.False(file.Look());
        Assert.Contains("cannot be read", Assert.Single(Assert.Single(_refused)));
        Assert.Equal([2, 3], _taken.Select(p => p.Nodes));
    }

    [Fact]
    public async Task A_change_takes_effect_within_two_seconds()
    {
        TaskCompletionSource<GridPolicy> second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int count = 0;
        PolicyFile file = new(_path, p => { if (++count == 2) second.SetResult(p); }, _refused.Add, _time);
        File.WriteAllText(_path, """{"nodes":2}""");
        using CancellationTokenSource stop = new();
        Task following = file.FollowAsync(stop.Token);
        File.WriteAllText(_path, """{"nodes":3}""");
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(3, (await second.Task.WaitAsync(TimeSpan.FromSeconds(20))).Nodes);
        await stop.CancelAsync();
        await following.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private PolicyFile Watched() => new(_path, _taken.Add, _refused.Add, _time);
}
