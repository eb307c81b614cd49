using System.Net.Sockets;

namespace Postern.Native;

/// <summary>
/// Binds a UNIX socket for our own user only, also in place of what a run that ended badly left behind. Bound by the system
/// directly: the runtime would remove the name when it closes the socket, also when that is another process's by then, and
/// has no words for a disk that takes nothing.
/// </summary>
internal static unsafe class ListeningSocket
{
    private const uint OwnerOnly = 0b110_000_000;

    /// <param name="path">Characters stand for bytes.</param>
    /// <param name="backlog">How many connections may wait.</param>
    /// <param name="isTakenOver">Whether a process that still listens there is about to end.</param>
    /// <param name="problem">In the administrator's words.</param>
    /// <returns>Null on failure.</returns>
    public static Socket? Open(string path, int backlog, bool isTakenOver, out string? problem)
    {
        var why = WhyNotFree(path, isTakenOver);
        var listener = why is null ? Bind(path, backlog, out why) : -1;
        problem = why is null ? null : $"cannot listen on {path}: {why}";
        return why is null ? new Socket(new SafeSocketHandle(listener, ownsHandle: true)) : null;
    }

    /// <summary>Which file a name leads to; null: none, or it cannot be told.</summary>
    public static ulong? InodeOf(string path)
    {
        FileStatus status;
        return Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &status) == 0 ? status.Inode : null;
    }

    private static string? WhyNotFree(string path, bool isTakenOver)
    {
        FileStatus status;
        if (Libc.statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &status) != 0)
            return Errno.Last == Errno.ENOENT ? null : Errno.LastText;
        if ((status.Mode & Libc.S_IFMT) != Libc.S_IFSOCK)
            return "there is a file of that name";
        return !isTakenOver && IsServed(path) ? "another process listens there" : null;
    }

    private static bool IsServed(string path)
    {
        var address = stackalloc byte[SockAddr.MaxLength];
        var length = SockAddr.WriteUnix(new Span<byte>(address, SockAddr.MaxLength), path);
        var probe = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0);
        if (probe < 0)
            return false;
        var isServed = Libc.connect(probe, address, (uint)length) == 0 || Errno.Last == Errno.EAGAIN; // a full queue is somebody's
        _ = Libc.close(probe);
        return isServed;
    }

    /// <summary>Under a name of its own first, so that the other name always leads to somebody.</summary>
    private static int Bind(string path, int backlog, out string? why)
    {
        var own = $"{path}.{Environment.ProcessId}";
        var address = stackalloc byte[SockAddr.MaxLength];
        var length = SockAddr.WriteUnix(new Span<byte>(address, SockAddr.MaxLength), own);
        if (length == 0)
        {
            why = "the path is too long for a UNIX socket";
            return -1;
        }

        _ = Libc.unlink(own); // of a process that had our number before us
        var listener = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        // The mode before the name: never is there a moment at which others may connect.
        if (listener >= 0 && Libc.fchmod(listener, OwnerOnly) == 0 && Libc.bind(listener, address, (uint)length) == 0)
        {
            if (Libc.listen(listener, backlog) == 0 && Libc.rename(own, path) == 0)
            {
                why = null;
                return listener;
            }

            why = Errno.LastText;
            _ = Libc.unlink(own);
        }
        else
        {
            why = Errno.LastText;
        }

        if (listener >= 0)
            _ = Libc.close(listener);
        return -1;
    }
}
