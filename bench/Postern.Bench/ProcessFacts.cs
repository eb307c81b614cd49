using System.Globalization;
using System.Runtime.InteropServices;

namespace Postern.Bench;

/// <summary>What /proc says about a process.</summary>
internal static partial class ProcessFacts
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10); // USER_HZ, on every machine that .NET runs on

    /// <summary>The children of <paramref name="parent"/> with that command name.</summary>
    public static List<int> ChildrenOf(int parent, string name)
    {
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
                continue;
            if (ReadAll($"{folder}/stat") is not { } stat || stat.LastIndexOf(')') is not (> 0 and var end))
                continue;
            var command = stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..end];
            var rest = stat[(end + 2)..].Split(' ');
            if (command == name && rest[0] is not "Z" && int.Parse(rest[1], CultureInfo.InvariantCulture) == parent)
                found.Add(pid);
        }

        return found;
    }

    /// <summary>User and system time of a process, by its own clock, which counts nanoseconds; none when it has ended.</summary>
    public static TimeSpan CpuTime(int pid) => GetCpuClock(pid, out var clock) == 0 && GetTime(clock, out var time) == 0
        ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0)
        : TimeSpan.Zero;

    /// <summary>The same of its children that have ended, and of theirs, in steps of 10 ms.</summary>
    public static TimeSpan CpuTimeOfEndedChildren(int pid) => Ticks(pid, 13) + Ticks(pid, 14);

    /// <summary>Private_Clean + Private_Dirty, in bytes.</summary>
    public static long PrivateBytes(int pid)
    {
        long sum = 0;
        foreach (var line in (ReadAll($"/proc/{pid}/smaps_rollup") ?? "").Split('\n'))
        {
            if (line.StartsWith("Private_Clean:", StringComparison.Ordinal) || line.StartsWith("Private_Dirty:", StringComparison.Ordinal))
                sum += 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }

        return sum;
    }

    /// <summary>How many files this process, and those that it starts, may open.</summary>
    public static long OpenFilesLimit()
    {
        foreach (var line in (ReadAll("/proc/self/limits") ?? "").Split('\n'))
        {
            if (line.StartsWith("Max open files", StringComparison.Ordinal))
                return long.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4], CultureInfo.InvariantCulture, out var hard) ? hard : long.MaxValue;
        }

        return 1024;
    }

    /// <param name="field">Of /proc/PID/stat, counted from the state, which follows the command's name.</param>
    private static TimeSpan Ticks(int pid, int field) => ReadAll($"/proc/{pid}/stat") is { } stat
        ? Tick * long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[field], CultureInfo.InvariantCulture)
        : TimeSpan.Zero;

    private static string? ReadAll(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null; // it has just ended
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_getcpuclockid")]
    private static partial int GetCpuClock(int pid, out int clock);

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out Timespec time);

    private struct Timespec
    {
        public long Seconds, Nanoseconds;
    }
}
