using System.Runtime.InteropServices;

namespace GlobalCache.Client.Circuits;

/// <summary>
/// What of a circuit must outlive a killed process for both its ends to go on: how either direction's numbers shift, and which port on this machine the
/// viewer sends from. No address and no id; those are in the sealed record. Owned by the circuit's owner, under whose lock it is written.
/// </summary>
internal sealed class CircuitPage : IDisposable
{
    /// <summary>Bytes it takes.</summary>
    public const int Size = 64 + (2 * (int)SequencePage.Size);

    private const long Format = 0x3145_4741_5043_4C47;
    private const ulong ViewerAt = 8, OpenedAt = 16;

    private readonly SafeBuffer _memory;
    private readonly SequencePage[] _lanes;

    /// <param name="memory">At least <see cref="Size"/> bytes; zeros, or what another process left. Disposed with this.</param>
    public CircuitPage(SafeBuffer memory)
    {
        _memory = memory;
        _lanes = [new SequencePage(memory, 64), new SequencePage(memory, 64 + SequencePage.Size)];
    }

    /// <summary>The viewer's source as the circuit's owner knows it; 0: no circuit is open, or it is another version's page.</summary>
    public ulong Viewer => _memory.Read<long>(0) == Format ? _memory.Read<ulong>(ViewerAt) : 0;

    /// <summary>The number the circuit was opened with.</summary>
    public uint Opened => _memory.Read<uint>(OpenedAt);

    public SequencePage Lane(Direction direction) => _lanes[(int)direction];

    /// <summary>A circuit begins: nothing of the one before is left.</summary>
    public void Reset()
    {
        _memory.Write(ViewerAt, 0UL);
        foreach (SequencePage lane in _lanes)
        {
            lane.Reset();
        }

        _memory.Write(0, Format);
    }

    /// <summary>A viewer has opened the circuit.</summary>
    public void Open(ulong viewer, uint sequence)
    {
        _memory.Write(OpenedAt, sequence);
        _memory.Write(ViewerAt, viewer);
    }

    public void Dispose() => _memory.Dispose();
}
