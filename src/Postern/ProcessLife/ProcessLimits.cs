using Postern.Native;

namespace Postern.ProcessLife;

/// <summary>The limit of open files, which decides how many clients can be held.</summary>
internal static class ProcessLimits
{
    /// <summary>Descriptors for all but clients: the runtime, listeners, log, stores, tables, DNS, dashboard.</summary>
    public const int Reserve = 128;

    /// <summary>Raises the soft limit of open files to the hard one; the runtime does that under the JIT only.</summary>
    /// <param name="problem">Why it stays lower than it could be; null = as high as it may be.</param>
    /// <returns>The limit now in force.</returns>
    public static unsafe int RaiseOpenFiles(out string? problem)
    {
        problem = null;
        ResourceLimit limit;
        if (Libc.getrlimit(Libc.RLIMIT_NOFILE, &limit) != 0)
        {
            problem = $"getrlimit: {Errno.LastText}";
            return 256; // what POSIX systems have at the very least in practice
        }

        var soft = limit.Soft;
        if (soft < limit.Hard)
        {
            limit.Soft = limit.Hard;
            if (Libc.setrlimit(Libc.RLIMIT_NOFILE, &limit) == 0)
                soft = limit.Hard;
            else
                problem = $"cannot raise the limit of open files from {soft} to {limit.Hard}: {Errno.LastText}";
        }

        return (int)Math.Min(soft, int.MaxValue);
    }

    /// <summary>How many clients fit when each holds one descriptor.</summary>
    /// <param name="openFiles">What <see cref="RaiseOpenFiles"/> returned.</param>
    public static int ClientsThatFit(int openFiles) => Math.Max(openFiles - Reserve, 0);
}
