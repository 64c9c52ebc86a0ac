namespace GlobalCache.Client.Figures;

/// <summary>Writes the figures down now and then, and when the client ends: a killed one forgets a minute.</summary>
internal sealed class FiguresKeeper : IAsyncDisposable
{
    private static readonly TimeSpan s_every = TimeSpan.FromMinutes(1);

    private readonly string _file;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();

    /// <param name="folder">The store's, so that who removes that removes them too.</param>
    /// <param name="time">The clock.</param>
    public FiguresKeeper(string folder, TimeProvider time)
    {
        (_file, _time) = (FileIn(folder), time);
        Figures = new ClientFigures(KeptFigures.Read(_file));
        _timer = time.CreateTimer(static keeper => ((FiguresKeeper)keeper!).Write(), this, s_every, s_every);
    }

    public ClientFigures Figures { get; }

    /// <summary>Where a store's figures lie.</summary>
    public static string FileIn(string folder) => Path.Combine(folder, "figures.json");

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        Figures.Close(_time.GetLocalNow());
        Write();
    }

    private void Write()
    {
        // What cannot be written now is in the next one.
        lock (_gate) Figures.Changed(_time.GetLocalNow())?.TryWrite(_file);
    }
}
