using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Client.Store;

/// <summary>
/// Opens and reads what is in the kernel's caches and nothing else: <c>openat2(RESOLVE_CACHED)</c> (Linux 5.12) and
/// <c>preadv2(RWF_NOWAIT)</c> (Linux 4.14; ext4, xfs, btrfs) never wait for a disk. So a warm hit costs a system call or two on the
/// caller's own thread, and a cold one is told apart before anybody is kept waiting. Where they do not exist everything is handed to
/// <see cref="DiskReaders"/>.
/// </summary>
internal sealed class WarmRead
{
    private const int NoWait = 8, OpenAt2 = 437, CurrentFolder = -100;
    private const ulong NonBlocking = 0x800, CloseOnExec = 0x80000, ResolveCached = 0x20;
    private volatile bool _unsupported = !OperatingSystem.IsLinux() || !Environment.Is64BitProcess;

    /// <summary>Opens a file for reading. Null when that would need the disk, or fails: open it the usual way.</summary>
    public SafeFileHandle? TryOpen(string path)
    {
        if (_unsupported) return null;
        // Non-blocking means nothing to a file; but whoever finds a pipe in its place must not wait for its other end.
        OpenHow how = new() { Flags = NonBlocking | CloseOnExec, Resolve = ResolveCached };
        nint descriptor = SystemCall(OpenAt2, CurrentFolder, path, ref how, Marshal.SizeOf<OpenHow>());
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

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

    // glibc has no wrapper for openat2; its number is the same on every architecture.
    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SystemCall(
        nint number, nint folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, ref OpenHow how, nint size);

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        public ulong Flags, Mode, Resolve;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVector
    {
        public nint Base, Length;
    }
}
