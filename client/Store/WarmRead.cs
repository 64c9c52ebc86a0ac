using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Client.Store;

/// <summary>
/// Reads what is in the page cache and nothing else: <c>preadv2(RWF_NOWAIT)</c> never waits for a disk (Linux 4.14; ext4, xfs, btrfs).
/// So a warm hit costs one system call on the caller's own thread, and a cold one is told apart before anybody is kept waiting.
/// Where it does not exist every read is handed to <see cref="DiskReaders"/>.
/// </summary>
internal sealed class WarmRead
{
    private const int NoWait = 8;
    private volatile bool _unsupported = !OperatingSystem.IsLinux() || !Environment.Is64BitProcess;

    /// <summary>
    /// Fills the first <paramref name="count"/> bytes of <paramref name="buffer"/> from <paramref name="offset"/>. False when any of them
    /// would need the disk.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The handle was closed meanwhile.</exception>
    public bool TryRead(SafeFileHandle handle, byte[] buffer, int count, long offset)
    {
        if (_unsupported) return false;
        GCHandle pinned = GCHandle.Alloc(buffer, GCHandleType.Pinned);
        try
        {
            IoVector vector = new() { Base = pinned.AddrOfPinnedObject(), Length = count };
            nint read = PreadV2(handle, in vector, 1, offset, NoWait);
            if (read >= 0) return read == count;
            // Not in the cache (EAGAIN), or no such thing here: EINVAL, ENOSYS, EOPNOTSUPP.
            if (Marshal.GetLastPInvokeError() is 22 or 38 or 95) _unsupported = true;
            return false;
        }
        catch (EntryPointNotFoundException)
        {
            _unsupported = true;
            return false;
        }
        finally
        {
            pinned.Free();
        }
    }

    [DllImport("libc", EntryPoint = "preadv2", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint PreadV2(SafeFileHandle file, in IoVector vectors, int vectorCount, long offset, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVector
    {
        public nint Base, Length;
    }
}
