using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Postern.Bench;

/// <summary>On what the figures were taken.</summary>
internal sealed record Machine(string Processor, int Cores, double MemoryGib, string Kernel, string Postfix, string LoadAverage, long OpenFiles, double SyncMilliseconds, string Date)
{
    /// <param name="folder">Where the servers' files will be: the speed of that disk is a fact, too.</param>
    public static Machine Here(string folder) => new(
        FieldOf("/proc/cpuinfo", "model name"),
        Environment.ProcessorCount,
        double.Parse(FieldOf("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) / 1048576,
        $"{RuntimeInformation.OSDescription}, Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}",
        Ask("postconf", "-dh", "mail_version"),
        File.ReadAllText("/proc/loadavg").Split(' ')[0],
        ProcessFacts.OpenFilesLimit(),
        SyncTime(folder),
        DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Cores} × {Processor}, {MemoryGib:0} GiB, {Kernel}; Postfix {Postfix}; load average at the start {LoadAverage}; {OpenFiles} open files per process; one synced write {SyncMilliseconds:0.0} ms; {Date}");

    /// <summary>The median time of a small write that is waited for until it is on the disk.</summary>
    private static double SyncTime(string folder)
    {
        using var file = File.OpenHandle(Path.Combine(folder, "sync"), FileMode.Create, FileAccess.Write, options: FileOptions.DeleteOnClose);
        var times = new List<double>();
        for (var i = 0; i < 50; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, new byte[4096], i * 4096);
            RandomAccess.FlushToDisk(file);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        return Results.Median(times)!.Value;
    }

    private static string FieldOf(string path, string name)
    {
        foreach (var line in File.ReadLines(path))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }

        return "unknown";
    }

    private static string Ask(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        return process.StandardOutput.ReadToEnd().Trim();
    }
}
