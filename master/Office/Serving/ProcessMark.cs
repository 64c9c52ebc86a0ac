using System.Diagnostics;
using System.Globalization;

namespace GlobalCache.Office.Serving;

/// <summary>Which process it is: its number alone may be another's tomorrow, so its start belongs to it. Written by the process itself, read by whoever has to end it.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Started">Its start as the system tells it: on Linux in ticks since the boot.</param>
internal sealed record ProcessMark(int Pid, long Started)
{
    /// <summary>This process.</summary>
    public static ProcessMark Own => new(Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0);

    /// <summary>Whether it lives; a process that has ended and is only remembered does not.</summary>
    public bool IsAlive => StartOf(Pid) == Started;

    /// <summary>Null: not a mark, or not written to its end.</summary>
    public static ProcessMark? Parse(string text) =>
        text.Split(' ') is [{ } pid, { } started, "."] && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && long.TryParse(started, NumberStyles.None, CultureInfo.InvariantCulture, out long start) ? new ProcessMark(number, start) : null;

    /// <summary>The mark as text; the stop says that it is whole.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Pid} {Started} .");

    private static long? StartOf(int pid)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                using Process process = Process.GetProcessById(pid);
                return process.HasExited ? null : process.StartTime.ToUniversalTime().Ticks;
            }
            // proc(5): the name may hold anything but ends with the last parenthesis; then state is the first field and the start the twentieth.
            string stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
