using System.Text.Json;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Fleet;

/// <summary>A node that is one of a fleet: its secrets and its grid as it was handed them, its link to the master, and the master's last word.</summary>
internal sealed class Membership : IDisposable
{
    private const int MostGridBytes = 256 * 1024;
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 8 };

    /// <param name="options">Who and where.</param>
    /// <param name="secrets">What all nodes know.</param>
    /// <param name="grid">Which grid it is.</param>
    /// <param name="traffic">What the node does.</param>
    /// <param name="from">The address to speak to the master from.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">Of the link.</param>
    public Membership(FleetOptions options, NodeSecrets secrets, GridFile grid, Traffic traffic, System.Net.IPAddress from, TimeProvider time, ILogger log)
    {
        (Options, Secrets, Grid, Link) = (options, secrets, grid, new MasterLink(options, secrets.Report, grid, from, time, log));
        Gauge = new Gauge(traffic, options, time);
    }

    public FleetOptions Options { get; }

    public NodeSecrets Secrets { get; }

    public GridFile Grid { get; }

    public MasterLink Link { get; }

    public Gauge Gauge { get; }

    /// <summary>What the master has said last.</summary>
    public Orders Orders { get; } = new();

    /// <summary>A node whose secrets and grid lie in files.</summary>
    /// <exception cref="CannotStartException">A file is missing, damaged, or another grid's.</exception>
    public static Membership Open(FleetOptions options, Traffic traffic, System.Net.IPAddress from, TimeProvider time, ILogger log)
    {
        try
        {
            if (!NodeSecrets.TryDecode(PrivateFile.Read(options.Keys, SecretFile.MaxBytes), out NodeSecrets? secrets))
                throw new CannotStartException($"{options.Keys} is damaged, another version's, or no file of a node's keys: the master writes it anew at its start.");
            byte[] text = File.ReadAllBytes(options.Grid);
            GridFile? grid = text.Length > MostGridBytes ? null : JsonSerializer.Deserialize<GridFile>(text, s_json);
            return grid is not null && new GridFileValidator().Validate(grid).IsValid ? new Membership(options, secrets, grid, traffic, from, time, log)
                : throw new CannotStartException($"{options.Grid} describes no grid: the master writes it anew at its start.");
        }
        catch (JsonException)
        {
            throw new CannotStartException($"{options.Grid} is no grid file: the master writes it anew at its start.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or GridUnusableException)
        {
            throw new CannotStartException($"The node's files cannot be read: {e.Message}");
        }
    }

    public void Dispose() => Link.Dispose();
}
