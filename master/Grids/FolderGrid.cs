using System.Net;
using GlobalCache.Master.Dashboard;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Policy;
using GlobalCache.Master.Zones;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;

namespace GlobalCache.Master.Grids;

/// <summary>
/// A grid whose secrets lie in a folder of this machine, and whose name this process answers for. Its nodes are processes of this machine, or run on machines of the owner's
/// (<see cref="MasterOptions.Nodes"/>).
/// </summary>
internal static class FolderGrid
{
    /// <exception cref="CannotStartException">Busy port, unusable folder: nothing is left behind but a new grid's files.</exception>
    /// <exception cref="GridUnusableException">The data folder's grid cannot be used.</exception>
    public static GridParts Open(MasterOptions options, IPEndPoint clients, IObjectStore? inner, TimeProvider time, ILogger log)
    {
        // The name server's port goes into grid.json, and the grid's name into what it serves.
        string host = GridFolder.HostOf(options.Data, options.Host);
        var zone = EmbeddedZone.Start(Path.Combine(options.Data, "zone.json"), host, clients.Address, options.Dns, time);
        try
        {
            GridFolder grid = GridFolder.OpenOrCreate(options.Data, FactsOf(options, options.Host ?? host, clients, zone.Endpoint), time.GetUtcNow());
            KeepNodeKeys(Path.Combine(options.Data, "node.keys"), grid.Nodes.Encode());
            (byte[] hash, string? code) = options.AdminCodeHash is { } told ? (Convert.FromHexString(told), null) : AdminCode.Of(options.Data);
            return new GridParts
            {
                Grid = grid,
                Store = inner ?? OpenStore(options, time),
                Zone = zone,
                Fleet = options.Nodes.Count > 0 ? new GivenFleet(options.Nodes, time.GetUtcNow()) : Processes(options, time, log),
                IsFixed = options.Nodes.Count > 0,
                EndsWithMaster = options.Nodes.Count == 0,
                Policy = options.Policy,
                AdminCodeHash = () => hash,
                NewAdminCode = code,
                NamesAt = zone.Endpoint.ToString(),
                FollowAsync = (declare, ct) => options.PolicyFile is { } file ? new PolicyFile(file, declare, wrong => log.PolicyRefused(file, string.Join(' ', wrong)), time).FollowAsync(ct) : Task.CompletedTask,
                Owned = [zone],
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            zone.Dispose();
            throw new CannotStartException($"{options.Data} cannot be written to ({e.Message}): make room there, or choose a folder of your own with --data.");
        }
        catch
        {
            zone.Dispose();
            throw;
        }
    }

    /// <summary>Written when they have changed alone: a master that was killed has to come back though its disk is full.</summary>
    private static void KeepNodeKeys(string path, byte[] keys)
    {
        if (!IsKept(path, keys)) PrivateFile.Write(path, keys);
    }

    private static bool IsKept(string path, byte[] keys)
    {
        try
        {
            return File.Exists(path) && PrivateFile.Read(path, keys.Length).AsSpan().SequenceEqual(keys);
        }
        catch (GridUnusableException)
        {
            // Others can read it, which writing it anew mends.
            return false;
        }
    }

    /// <summary>The store a grid with these options keeps its objects in.</summary>
    /// <exception cref="CannotStartException">Its folder cannot be used.</exception>
    public static IObjectStore OpenStore(MasterOptions options, TimeProvider time)
    {
        if (options.S3 is { } s3) return new S3Store(s3);
        string folder = Path.Combine(options.Data, "store");
        try
        {
            return new FolderStore(folder, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"{folder} cannot be written to: choose a folder of your own with --data.");
        }
    }

    private static ProcessFleet Processes(MasterOptions options, TimeProvider time, ILogger log) => new(new ProcessFleetOptions
    {
        Folder = Path.Combine(options.Data, "fleet"),
        Program = options.NodeProgram.Count > 0 ? options.NodeProgram : NodeProgram.Find(AppContext.BaseDirectory),
        FirstAddress = options.FirstNode,
        Port = options.NodePort,
        PrivatePort = options.NodePrivatePort,
        Arguments = options.NodeArguments(),
    }, time, log);

    private static GridFacts FactsOf(MasterOptions options, string host, IPEndPoint clients, IPEndPoint names) => new()
    {
        Name = options.Name,
        Host = host,
        Port = options.NodePort,
        Master = clients,
        NameServers = [names.ToString()],
        // Among friends one claim decides, and there is nobody to hide from.
        ClaimWithinSeconds = options.Policy.Vouching.Lead == 1 ? 0 : 900,
        Grids = options.Policy.Grids,
    };
}
