using System.Diagnostics;
using System.Globalization;
using System.Net;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;

namespace GlobalCache.Master.Fleets;

/// <summary>How nodes are started on this machine.</summary>
internal sealed record ProcessFleetOptions
{
    /// <summary>Where slots, process numbers and logs lie.</summary>
    public required string Folder { get; init; }

    /// <summary>The node's program and what it is started with before its own options.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    /// <summary>The address of slot 0; that of slot n is n further.</summary>
    public IPAddress FirstAddress { get; init; } = new([127, 0, 0, 2]);

    /// <summary>How many slots there are addresses for.</summary>
    public int Slots { get; init; } = 64;

    /// <summary>Port of all nodes for clients.</summary>
    public int Port { get; init; } = 12443;

    /// <summary>Port of all nodes for their owner.</summary>
    public int PrivatePort { get; init; } = 12444;

    /// <summary>What every node is started with beside its own address and name.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>What an instance costs by; see <see cref="Instance.Type"/>.</summary>
    public string Type { get; init; } = "";
}

/// <summary>
/// A fleet of processes on this machine, each on a loopback address of its own: all on the same ports, so that round robin is real. A file for each slot plays the
/// part of EC2's tags, written before the process is started; the process itself writes its number. So no crash in between leaves one that nobody knows of, and a
/// second start of the same slot finds its port taken.
/// </summary>
internal sealed class ProcessFleet(ProcessFleetOptions options, TimeProvider time, ILogger log) : IFleet
{
    // A node that has not written who it is by then was never started.
    private static readonly TimeSpan s_unborn = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();

    public Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct) => InTurnAsync(() => (IReadOnlyList<Instance>)[.. Read().Select(InstanceOf)], ct);

    public async Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct)
    {
        if (order.Slot < 0 || order.Slot >= options.Slots) return new LaunchAnswer(LaunchOutcome.NoCapacity, $"There are {options.Slots} addresses for nodes here, and slot {order.Slot} is beyond them.");
        try
        {
            return await InTurnAsync(() => Launch(order), ct);
        }
        catch (FleetTroubleException e)
        {
            return new LaunchAnswer(LaunchOutcome.Unknown, e.Message);
        }
    }

    public Task MarkAsync(string id, Marks marks, CancellationToken ct) => InTurnAsync(() =>
    {
        if (Read().FirstOrDefault(s => s.Id == id) is { } slot) (slot with { Marks = marks }).Write(options.Folder);
        return true;
    }, ct);

    public Task TerminateAsync(string id, CancellationToken ct) => InTurnAsync(() =>
    {
        if (Read().FirstOrDefault(s => s.Id == id) is not { } slot) return true;
        // First that it is to be no more, then its end: a process that is started in between by an earlier order finds that out.
        (slot with { Ended = true }).Write(options.Folder);
        End(slot);
        return true;
    }, ct);

    private Task<T> InTurnAsync<T>(Func<T> work, CancellationToken ct) => Task.Run(() =>
    {
        try
        {
            lock (_gate)
            {
                PrivateFile.CreateFolder(options.Folder);
                return work();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            throw new FleetTroubleException($"The nodes of this machine cannot be seen to: {e.Message}", e);
        }
    }, ct);

    private List<SlotFile> Read() => [.. SlotFile.ReadAll(options.Folder, log.SlotUnreadable)];

    private LaunchAnswer Launch(LaunchOrder order)
    {
        SlotFile? there = Read().FirstOrDefault(s => s.Slot == order.Slot);
        bool same = there is not null && (there.Generation, there.Attempt) == (order.Generation, order.Attempt);
        if (there is not null && !same && InstanceOf(there).State is InstanceState.Running or InstanceState.Pending)
            return new LaunchAnswer(LaunchOutcome.Unknown, $"Slot {order.Slot} is still in use.");
        SlotFile slot = same ? there! : new SlotFile(
            string.Create(CultureInfo.InvariantCulture, $"n{order.Slot}-{order.Generation}-{order.Attempt}"), order.Slot, order.Generation, order.Attempt, time.GetUtcNow(), new Marks(Intent.Serve, order.Epoch));
        if (same && (slot.Ended || MarkOf(slot) is not null || time.GetUtcNow() - slot.Launched < s_unborn)) return new LaunchAnswer(LaunchOutcome.Launched, "", InstanceOf(slot));
        if (same) slot = slot with { Launched = time.GetUtcNow() };
        slot.Write(options.Folder);
        if (there is not null && !same) Forget(there.Id);
        Start(slot);
        return new LaunchAnswer(LaunchOutcome.Launched, "", InstanceOf(slot));
    }

    private void Start(SlotFile slot)
    {
        IPAddress address = AddressOf(slot.Slot);
        string output = Path.Combine(options.Folder, slot.Id + ".log");
        List<string> command =
        [
            .. options.Program, "--member", slot.Id, "--pid-file", SlotFile.PidPathOf(options.Folder, slot.Id),
            "--listen", new IPEndPoint(address, options.Port).ToString(), "--private", new IPEndPoint(address, options.PrivatePort).ToString(), .. options.Arguments,
        ];
        // Its words go to a file of its own: what was started outlives a master that was killed, and must not stumble over a pipe that nobody reads.
        ProcessStartInfo start = OperatingSystem.IsWindows() ? new(command[0], command[1..]) { CreateNoWindow = true }
            : new("/bin/sh", ["-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", output, .. command]);
        using Process? process = Process.Start(start);
        log.NodeStarted(slot.Id, address);
    }

    // What the one before has left behind; its slot's file has just been replaced.
    private void Forget(string id)
    {
        File.Delete(SlotFile.PidPathOf(options.Folder, id));
        File.Delete(Path.Combine(options.Folder, id + ".log"));
    }

    private void End(SlotFile slot)
    {
        if (MarkOf(slot) is not { IsAlive: true } mark) return;
        try
        {
            using Process process = Process.GetProcessById(mark.Pid);
            process.Kill();
            log.NodeEnded(slot.Id);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // Gone in the meantime.
        }
    }

    private Instance InstanceOf(SlotFile slot)
    {
        ProcessMark? mark = MarkOf(slot);
        IPAddress address = AddressOf(slot.Slot);
        bool alive = mark?.IsAlive == true;
        // Ended before its process wrote who it is: it is ended as soon as it has.
        if (slot.Ended && alive) End(slot);
        InstanceState state = slot.Ended ? alive ? InstanceState.Stopping : InstanceState.Terminated
            : alive ? InstanceState.Running : mark is null && time.GetUtcNow() - slot.Launched < s_unborn ? InstanceState.Pending : InstanceState.Terminated;
        return new Instance
        {
            Id = slot.Id,
            Slot = slot.Slot,
            Generation = slot.Generation,
            State = state,
            Address = address,
            PrivateAddress = address,
            Launched = slot.Launched,
            Type = options.Type,
            Marks = slot.Marks,
        };
    }

    private ProcessMark? MarkOf(SlotFile slot)
    {
        string path = SlotFile.PidPathOf(options.Folder, slot.Id);
        return File.Exists(path) ? ProcessMark.Parse(File.ReadAllText(path)) : null;
    }

    private IPAddress AddressOf(int slot)
    {
        byte[] bytes = options.FirstAddress.GetAddressBytes();
        uint number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) + (uint)slot;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}

/// <summary>What is logged of the nodes of this machine, 7200 – 7219.</summary>
internal static partial class ProcessFleetLog
{
    [LoggerMessage(7200, LogLevel.Information, "Node {id} is started on {address}.")]
    public static partial void NodeStarted(this ILogger log, string id, IPAddress address);

    [LoggerMessage(7201, LogLevel.Information, "Node {id} is ended.")]
    public static partial void NodeEnded(this ILogger log, string id);

    [LoggerMessage(7202, LogLevel.Error, "{path} cannot be read, so its node is left alone: end it by hand and delete the file.")]
    public static partial void SlotUnreadable(this ILogger log, string path);
}
