using System.IO.MemoryMappedFiles;
using GlobalCache.Client.Circuits;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>A circuit's page in this process's own memory, to be copied at any moment: what a killed process leaves.</summary>
internal sealed class PageMemory
{
    private readonly MemoryMappedViewAccessor _view;

    public PageMemory()
    {
        using var map = MemoryMappedFile.CreateNew(null, CircuitPage.Size);
        _view = map.CreateViewAccessor(0, CircuitPage.Size);
        Page = new CircuitPage(_view.SafeMemoryMappedViewHandle);
    }

    public CircuitPage Page { get; }

    public PageMemory Copy()
    {
        byte[] bytes = new byte[CircuitPage.Size];
        _view.SafeMemoryMappedViewHandle.ReadSpan<byte>(0, bytes);
        var copy = new PageMemory();
        copy._view.SafeMemoryMappedViewHandle.WriteSpan<byte>(0, bytes);
        return copy;
    }
}
