using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Client.Ways;
using GlobalCache.Policy.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace GlobalCache.Client.Commands;

/// <summary><c>globalcache doctor</c>: looks at everything a client needs, from this machine outwards, and says what to do. Changes nothing.</summary>
internal sealed class Doctor(ClientOptions options, IReadOnlyList<string> mistakes, TimeProvider time)
{
    public const string Command = "doctor";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_clockOff = TimeSpan.FromMinutes(2), s_look = TimeSpan.FromMilliseconds(50);

    private DateTimeOffset? _worldsTime;

    /// <summary>0: nothing keeps a client from its work; 1: something does.</summary>
    public async Task<int> RunAsync(IAnsiConsole console, CancellationToken stop)
    {
        bool isWell = true;
        await foreach (Finding finding in ExamineAsync(stop))
        {
            isWell &= finding.Health != Health.Bad;
            (string word, string colour) = finding.Health switch { Health.Good => ("good", "green"), Health.Doubtful => ("look", "yellow"), _ => ("BAD ", "red") };
            console.Write(new Markup($"[{colour}]{word}[/] "));
            console.WriteLine($"{finding.What}: {finding.Said}");
            if (finding.Mend is not null) console.WriteLine($"     {finding.Mend}");
        }
        return isWell ? 0 : 1;
    }

    /// <summary>Everything, one after the other.</summary>
    public async IAsyncEnumerable<Finding> ExamineAsync([EnumeratorCancellation] CancellationToken stop)
    {
        foreach (string mistake in mistakes) yield return new Finding(Health.Bad, "settings", mistake);
        if (mistakes.Count == 0) yield return new Finding(Health.Good, "settings", $"They go together. They are read from {Path.Combine(options.ConfigFolder, ConfigurationFile.Name)}.");
        yield return await PortAsync(stop);
        yield return Store();
        yield return Key();
        yield return await NameAsync("grid", options.LoginUri.Host, stop);
        yield return await WorldAsync(stop);
        if (options.Assets is { } assets) yield return await NameAsync("assets", assets.Host, stop);
        if (options.Grid is { } grid)
        {
            await foreach (Finding finding in CacheGridAsync(grid, stop)) yield return finding;
        }
        yield return Clock();
        yield return InstalledViewers.Finding();
    }

    private async Task<Finding> PortAsync(CancellationToken stop)
    {
        int port = options.Port ?? 0;
        if (await Stats.FindAsync(options, port, stop) is { } own) return new Finding(Health.Good, "port", $"A client of yours listens on {own.Page.Authority}.");
        if (port == 0) return new Finding(Health.Good, "port", "A free one is taken at each start.");
        try
        {
            using var socket = new Socket(options.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(options.Listen, port));
            return new Finding(Health.Good, "port", $"{port} is free on {options.Listen}.");
        }
        catch (SocketException e)
        {
            return new Finding(Health.Bad, "port", $"{port} on {options.Listen} cannot be taken ({e.SocketErrorCode}).", "Stop the program that has it, or choose another with --port and tell your viewer.");
        }
    }

    private Finding Store()
    {
        if (!Folders.Usable(options.Store)) return new Finding(Health.Bad, "store", $"{options.Store} cannot be written to.", "Choose a folder of your own with --store.");
        string nearest = Path.GetFullPath(options.Store);
        while (!Directory.Exists(nearest)) nearest = Path.GetDirectoryName(nearest)!;
        long free, held = 0;
        try
        {
            // What a client that runs evicts meanwhile is no longer there to be measured.
            if (Directory.Exists(options.Store)) held = new DirectoryInfo(options.Store).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Exists ? f.Length : 0);
            free = new DriveInfo(nearest).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Finding(Health.Doubtful, "store", $"{options.Store} can be written to; how much room there is cannot be told.");
        }
        return held + free < options.StoreBytes
            ? new Finding(Health.Doubtful, "store", $"{options.Store} holds {Shown.Bytes(held)} of {Shown.Bytes(options.StoreBytes)}, and the disk has room for {Shown.Bytes(free)} more only.", "Give it less with --store-size, or another disk with --store.")
            : new Finding(Health.Good, "store", $"{options.Store} holds {Shown.Bytes(held)} of {Shown.Bytes(options.StoreBytes)}; the disk has {Shown.Bytes(free)} free.");
    }

    private Finding Key()
    {
        string file = Path.Combine(options.ConfigFolder, "store.key");
        if (!File.Exists(file)) return new Finding(Health.Good, "key", "There is none yet: the first start makes it.");
        try
        {
            LocalKey.Load(file);
            return new Finding(Health.Good, "key", $"{file} is sound, and yours alone.");
        }
        catch (StoreUnusableException e)
        {
            return new Finding(Health.Bad, "key", e.Message);
        }
    }

    private static async Task<Finding> NameAsync(string what, string host, CancellationToken stop)
    {
        try
        {
            IPAddress[] found = await Dns.GetHostAddressesAsync(host, stop);
            return new Finding(Health.Good, what, $"{host} is {string.Join(", ", found.Take(4).Select(a => a.ToString()))}.");
        }
        catch (SocketException e)
        {
            return new Finding(Health.Bad, what, $"{host} has no address ({e.SocketErrorCode}).", "Is this machine online, and the name spelt right?");
        }
    }

    /// <summary>The login page, as a client asks it: with its own trust and without a viewer's words.</summary>
    private async Task<Finding> WorldAsync(CancellationToken stop)
    {
        X509Certificate2Collection? roots = [];
        if (options.CaFile is not null && (roots = GridTrust.ReadRoots(options.CaFile, out string error)) is null) return new Finding(Health.Bad, "grid", $"--ca: {error}.");
        using var upstream = new Upstream(new GridTrust(new GridDomains(options.LoginUri, options.GridDomains), roots), options.Limits);
        using CancellationTokenSource late = new(s_patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        Uri asked = options.SecondLife ? options.LoginUri : new Uri(options.LoginUri, "get_grid_info");
        long from = time.GetTimestamp();
        try
        {
            using HttpResponseMessage answer = await upstream.Grid.SendAsync(new HttpRequestMessage(HttpMethod.Get, asked), both.Token);
            _worldsTime = answer.Headers.Date;
            return new Finding(Health.Good, "grid", $"{asked.Host} answers in {time.GetElapsedTime(from).TotalMilliseconds:0} ms{(asked.Scheme == "https" ? " over TLS" : "")}.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            return new Finding(Health.Bad, "grid", $"{asked.Host} cannot be asked ({HttpTrouble.Reason(e)}).",
                "Without this client it could not be reached either, unless it is its certificate: then give your viewer's ca-bundle.crt with --ca.");
        }
    }

    private async IAsyncEnumerable<Finding> CacheGridAsync(GridFile grid, [EnumeratorCancellation] CancellationToken stop)
    {
        (IReadOnlyList<IPAddress> found, _) = await new NodeNames(grid, Reach.SystemAsync, NullLogger.Instance).AskAsync(stop);
        if (found.Count == 0)
        {
            yield return new Finding(Health.Doubtful, "cache grid", $"No node of {grid.Host} can be found: neither its name servers nor this machine's resolver know it.", "Assets come from the viewer's grid meanwhile. Ask its owner whether it runs.");
            yield break;
        }
        yield return new Finding(Health.Good, "cache grid", $"{grid.Host} has {found.Count} {(found.Count == 1 ? "node" : "nodes")}.");
        using GridIdentity? identity = File.Exists(GridIdentity.PathOf(options.ConfigFolder, grid.Host)) ? GridIdentity.Load(options.ConfigFolder, grid.Host) : null;
        if (identity?.ClientId is null)
        {
            yield return new Finding(Health.Bad, "cache grid", "This client does not belong to it.", "Ask somebody who does for an invite, and type: globalcache join INVITE");
            yield break;
        }
        using var connections = new NodeConnections(grid);
        var nodes = new GridNodes(new Random());
        nodes.Update(found.Select(a => new IPEndPoint(a, grid.Port)));
        string? trouble = null;
        bool hasSession = false;
        var troubles = new GridTroubles(time, NullLogger.Instance);
        await using (var session = new GridSession(identity, nodes, connections, time, troubles))
        {
            session.Start();
            long from = time.GetTimestamp();
            while (!(hasSession = session.Token is not null) && (trouble = troubles.Now) is null && time.GetElapsedTime(from) < s_patience) await Task.Delay(s_look, time, stop);
        }
        yield return hasSession ? new Finding(Health.Good, "cache grid", "It lets this client in.")
            : new Finding(Health.Doubtful, "cache grid", $"It does not let this client in now: {trouble ?? "no answer"}.", "Assets come from the viewer's grid meanwhile.");
    }

    private Finding Clock()
    {
        if (_worldsTime is not { } told) return new Finding(Health.Doubtful, "clock", "Nobody has told the time to compare it with.");
        TimeSpan off = time.GetUtcNow() - told;
        return off.Duration() <= s_clockOff ? new Finding(Health.Good, "clock", "It is right.")
            : new Finding(Health.Bad, "clock", $"It is {Shown.Duration(off.Duration().TotalSeconds)} {(off > TimeSpan.Zero ? "ahead" : "behind")}.", "Set it, or let the system keep it: certificates and sessions are not valid otherwise.");
    }
}
