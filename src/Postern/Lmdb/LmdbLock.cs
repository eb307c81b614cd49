using System.Diagnostics;
using Postern.Native;

namespace Postern.Lmdb;

/// <summary>
/// Postfix's lock on an LMDB file: fcntl(2) on the whole file, shared to read, exclusive to write, held for one access. It
/// is taken for the open file, not for the process (F_OFD_SETLK): the kernel treats the two kinds alike, but ours is not
/// lost when some other descriptor of the same file is closed, and two of us in one process exclude each other too.
/// </summary>
internal static unsafe class LmdbLock
{
    /// <summary>Takes the lock; waits for other holders, by trying again every millisecond, for at most this long.</summary>
    public static LmdbProblem? Take(int descriptor, bool exclusive, TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        while (!Set(descriptor, exclusive ? Libc.F_WRLCK : Libc.F_RDLCK))
        {
            if (Errno.Last is not (Errno.EAGAIN or Errno.EACCES or Errno.EINTR))
                return LmdbProblem.OfSystem();
            if (Stopwatch.GetElapsedTime(start) >= limit)
                return LmdbProblem.Locked;
            Thread.Sleep(1);
        }

        return null;
    }

    public static void Release(int descriptor) => Set(descriptor, Libc.F_UNLCK);

    private static bool Set(int descriptor, short type)
    {
        var whole = new FileLock { Type = type };
        return Libc.fcntl(descriptor, Libc.F_OFD_SETLK, &whole) == 0;
    }
}
