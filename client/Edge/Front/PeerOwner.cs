using System.Buffers;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using GlobalCache.Client.Ways;
using Microsoft.AspNetCore.Connections;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Closes connections of other users of this machine (SECURITY §6). Linux tells each TCP socket's owner in <c>/proc/net/tcp</c>: the
/// row whose local address is our peer's. Asked once a connection; some 0.7 ms. Windows and macOS have no such list for everyone
/// to read: there the tokens in the URLs are the guard.
/// </summary>
internal sealed class PeerOwner(ConnectionDelegate next, uint ourUser, ILogger log)
{
    private static readonly string[] s_tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>Whether the check can be made here.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && File.Exists(s_tables[0]);

    /// <summary>The user whose connections are let in: the one the system counts our own sockets to.</summary>
    public static uint OurUser()
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            // Uid: real, effective, saved, file system. Sockets belong to the last.
            if (line.StartsWith("Uid:", StringComparison.Ordinal))
                return uint.Parse(line.Split('\t', StringSplitOptions.RemoveEmptyEntries)[4], CultureInfo.InvariantCulture);
        }
        throw new PlatformNotSupportedException("/proc/self/status names no user.");
    }

    public Task OnConnectionAsync(ConnectionContext connection)
    {
        // A row may be missed while the table changes under the reader; two misses are no accident.
        if (connection.RemoteEndPoint is IPEndPoint peer && (Find(peer) ?? Find(peer)) == ourUser) return next(connection);
        WaysLog.ForeignConnection(log);
        connection.Abort();
        return Task.CompletedTask;
    }

    /// <summary>The user who owns the socket bound to <paramref name="peer"/>; null when there is none, or it has been closed.</summary>
    public static uint? Find(IPEndPoint peer)
    {
        string address = Hex(peer.Address.IsIPv4MappedToIPv6 ? peer.Address.MapToIPv4() : peer.Address);
        string port = peer.Port.ToString("X4", CultureInfo.InvariantCulture);
        foreach (string table in s_tables)
        {
            // An IPv4 peer may hold an IPv6 socket: its address is then the mapped one.
            string prefix = table.EndsWith('6') && address.Length == 8 ? "0000000000000000FFFF0000" : "";
            if (FindIn(table, Encoding.ASCII.GetBytes($" {prefix}{address}:{port} ")) is { } user) return user;
        }
        return null;
    }

    private static uint? FindIn(string table, ReadOnlySpan<byte> local)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            using var file = new FileStream(table, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            int kept = 0;
            for (int read; (read = file.Read(buffer, kept, buffer.Length - kept)) > 0;)
            {
                ReadOnlySpan<byte> text = buffer.AsSpan(0, kept + read);
                for (int end; (end = text.IndexOf((byte)'\n')) >= 0; text = text[(end + 1)..])
                    if (Owner(text[..end], local) is { } user) return user;
                kept = text.Length;
                text.CopyTo(buffer);
            }
            return null;
        }
        catch (IOException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A row: number, local, remote, state, queues, timer, retransmits, uid, timeout, inode, and more.</summary>
    private static uint? Owner(ReadOnlySpan<byte> row, ReadOnlySpan<byte> local)
    {
        int at = row.IndexOf((byte)':') + 1;
        if (at == 0 || !row[at..].StartsWith(local)) return null;
        Span<Range> fields = stackalloc Range[12];
        int count = 0;
        for (int i = 0; i < row.Length && count < fields.Length;)
        {
            while (i < row.Length && row[i] == (byte)' ') i++;
            int start = i;
            while (i < row.Length && row[i] != (byte)' ') i++;
            if (i > start) fields[count++] = start..i;
        }
        if (count < 10) return null;
        // A socket without an inode has been closed by its owner and says user 0, whoever that was.
        bool open = !row[fields[9]].SequenceEqual("0"u8);
        return open && uint.TryParse(row[fields[7]], CultureInfo.InvariantCulture, out uint user) ? user : null;
    }

    /// <summary>As the kernel prints it: each four bytes as one number of the machine's own order.</summary>
    private static string Hex(IPAddress address) =>
        string.Concat(MemoryMarshal.Cast<byte, uint>(address.GetAddressBytes()).ToArray().Select(n => n.ToString("X8", CultureInfo.InvariantCulture)));
}
