using System.Diagnostics;

namespace GlobalCache.Live.Processes;

/// <summary>A folder on a disk of its own that can be filled to the brim: a file system in memory. Needs root, or one's own user and mount namespaces.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly string _folder, _ballast;

    private SmallDisk(string folder) => (_folder, _ballast) = (folder, Path.Combine(folder, "ballast"));

    /// <summary>Null: this system does not let us.</summary>
    public static async Task<SmallDisk?> MountAsync(string folder, int megabytes)
    {
        Directory.CreateDirectory(folder);
        return await RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "globalcache-live", folder) ? new SmallDisk(folder) : null;
    }

    /// <summary>Not a byte is free afterwards.</summary>
    public async Task FillAsync()
    {
        byte[] block = new byte[1 << 16];
        try
        {
            await using FileStream ballast = new(_ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            while (true) await ballast.WriteAsync(block);
        }
        catch (IOException)
        {
            // Full: what was wanted.
        }
    }

    public void Empty() => File.Delete(_ballast);

    public async ValueTask DisposeAsync() => await RunAsync("umount", "-l", _folder);

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
