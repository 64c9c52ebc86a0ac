using System.Net.Http.Headers;
using GlobalCache.Chaos.Invariants;
using GlobalCache.Chaos.World;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Chaos.Parts;

/// <summary>
/// Somebody who looks around: now and then a handful of assets at once, the popular ones most often, whole or in two parts, sometimes one that does not exist,
/// sometimes abroad. All it gets is compared with the truth.
/// </summary>
internal sealed class Viewer
{
    /// <summary>Assets that anybody asks for: the newest, and of them the newest most often.</summary>
    public const int Popular = 100;

    private readonly Simulation _world;
    private readonly Assets _assets;
    private readonly ViewerPromises _promises;
    private readonly ClientHome _home;
    private readonly HttpMessageInvoker _way;
    private readonly Random _dice;
    private TimeSpan _abroadUntil;

    public Viewer(Simulation world, Network network, Assets assets, ViewerPromises promises, ClientHome home)
    {
        (_world, _assets, _promises, _home) = (world, assets, promises, home);
        Life = new Life(world, "viewer of " + home.Name, "127.0.0.1");
        _way = network.From(Life, _ => home.Loopback);
        _dice = world.Dice(Life.Name);
        Plan();
    }

    public Life Life { get; }

    /// <summary>Between two looks around, on the average.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>So many times as often as that.</summary>
    public Func<double> Haste { get; init; } = () => 1;

    private void Plan() => _world.After(Life, Pause / Haste() * -Math.Log(1 - _dice.NextDouble()), Look);

    private void Look()
    {
        if (_dice.Next(50) == 0) _abroadUntil = _world.Now + TimeSpan.FromMinutes(_dice.Next(1, 20));
        string where = _abroadUntil > _world.Now ? Assets.Abroad : Assets.Home;
        for (int i = _dice.Next(1, 6); i > 0; i--)
        {
            int number = _dice.Next(100) == 0 ? _assets.Count + 1 + _dice.Next(50) : _assets.Count - 1 - (int)(Popular * Math.Pow(_dice.NextDouble(), 3));
            AssetKey key = Assets.KeyOf(where, number);
            _world.After(Life, TimeSpan.FromMilliseconds(_dice.Next(400)), () => _ = AskAsync(key, _dice.Next(10)));
        }
        Plan();
    }

    private async Task AskAsync(AssetKey key, int how)
    {
        if (how > 3)
        {
            await AskAsync(key, null);
            return;
        }
        // As viewers do: first enough for a glance, then the rest or more of it.
        await AskAsync(key, new RangeHeaderValue(0, 599));
        await AskAsync(key, how == 0 ? new RangeHeaderValue(600, 1999) : new RangeHeaderValue(how == 1 ? 600 : 400, null));
    }

    private async Task AskAsync(AssetKey key, RangeHeaderValue? range)
    {
        string host = key.GridId == Assets.Home ? Assets.HomeHost : Assets.AbroadHost;
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{host}/?{key.Type.QueryParameter()}={key.Id:D}"));
        request.Headers.Range = range;
        var asked = new Asked(_home, key, range, _world.Now);
        _promises.Began(asked);
        try
        {
            using HttpResponseMessage answer = await _way.SendAsync(request, CancellationToken.None);
            byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
            _promises.Answered(asked, answer.StatusCode, answer.Content.Headers.ContentRange, bytes);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            _promises.BrokenOff(asked, e.InnerException?.Message ?? e.Message);
        }
    }
}
