using System.Globalization;
using System.Text;
using Postern.Native;

namespace Postern.Master;

/// <summary>
/// The process that Postfix's master(8) knows. The one that serves clients is its child. When the master lets go of us
/// (<c>postfix reload</c>, <c>postfix stop</c>) the keeper ends at once, so that the master can start the next process,
/// while the child takes its time to finish the clients it has. postscreen forks for that when it is time; a process with
/// a managed runtime cannot, so it is two from the start (ADR 7).
/// </summary>
internal static unsafe class MasterKeeper
{
    /// <summary>Names the descriptor, in the child's environment, that connects it with the keeper.</summary>
    public const string Variable = "POSTERN_KEEPER";

    private const int MaxArea = 1 << 20; // bytes of arguments or environment; the kernel allows 128 KB a text

    /// <summary>Starts the child and waits for its end or for the master's.</summary>
    /// <param name="listenerCount">Sockets that are the child's alone.</param>
    /// <param name="problem">Why there is no child; null: there was one.</param>
    /// <returns>The exit status.</returns>
    public static int Run(int listenerCount, out string? problem)
    {
        _ = Libc.setsid(); // the master's signals are for its process group; we end when it lets go of us
        var pair = stackalloc int[2];
        if (Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM, 0, pair) != 0)
        {
            problem = "socketpair: " + Errno.LastText;
            return 1;
        }

        var (mine, theirs) = (pair[0], pair[1]);
        _ = Libc.fcntl(mine, Libc.F_SETFD, Libc.FD_CLOEXEC);
        var child = Spawn(theirs, out problem);
        if (problem is not null)
            return 1;
        _ = Libc.close(theirs);
        for (var i = 0; i < listenerCount; i++)
            _ = Libc.close(MasterLink.FirstListener + i);
        return WaitFor(child, mine);
    }

    /// <summary>The same program with the same arguments, in its own role.</summary>
    private static int Spawn(int descriptor, out string? problem)
    {
        var arguments = ReadArea("/proc/self/cmdline");
        byte[] environment =
        [
            .. ReadArea("/proc/self/environ"),
            .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Variable}={descriptor}\0")),
        ];
        int child, error;
        fixed (byte* argumentText = arguments, environmentText = environment)
        {
            var argumentPointers = Pointers(argumentText, arguments.Length);
            var environmentPointers = Pointers(environmentText, environment.Length);
            fixed (nint* first = argumentPointers, second = environmentPointers)
                error = Libc.posix_spawn(&child, Environment.ProcessPath ?? "/proc/self/exe", null, null, (byte**)first, (byte**)second);
        }

        problem = error == 0 ? null : "posix_spawn: " + Errno.Text(error);
        return child;
    }

    private static byte[] ReadArea(string path)
    {
        using var file = File.OpenRead(path);
        var area = new byte[MaxArea];
        return area[..file.ReadAtLeast(area, area.Length, throwOnEndOfStream: false)];
    }

    /// <summary>Where each text begins, and a null: what exec wants.</summary>
    private static nint[] Pointers(byte* area, int length)
    {
        var pointers = new List<nint>();
        for (var at = 0; at < length; at += new ReadOnlySpan<byte>(area + at, length - at).IndexOf((byte)0) is >= 0 and var end ? end + 1 : length)
            pointers.Add((nint)(area + at));
        return [.. pointers, 0];
    }

    private static int WaitFor(int child, int channel)
    {
        var entries = stackalloc PollEntry[2];
        while (true)
        {
            entries[0] = new PollEntry { Descriptor = MasterLink.StatusDescriptor };
            entries[1] = new PollEntry { Descriptor = channel, Events = Libc.POLLIN };
            if (Libc.poll(entries, 2, -1) < 0)
                continue; // EINTR
            if (entries[0].Returned != 0)
                return 0; // the master has let go; the child sees it too
            if (entries[1].Returned != 0 && !TakeUser(channel))
                return StatusOf(child);
        }
    }

    /// <summary>The child tells which user it has become; the keeper needs no more rights than that.</summary>
    /// <returns>False when the child has ended.</returns>
    private static bool TakeUser(int channel)
    {
        var ids = stackalloc uint[2];
        if (Libc.recv(channel, (byte*)ids, 2 * sizeof(uint), 0) != 2 * sizeof(uint))
            return false;
        // A keeper that cannot give up its rights must not stay; it ends, and the child with it.
        return Libc.geteuid() != 0 || (Libc.setgroups(0, null) == 0 && Libc.setgid(ids[1]) == 0 && Libc.setuid(ids[0]) == 0);
    }

    private static int StatusOf(int child)
    {
        int status;
        while (Libc.waitpid(child, &status, 0) < 0)
        {
            if (Errno.Last != Errno.EINTR)
                return 1;
        }

        var signal = status & 0x7f;
        if (signal == 0)
            return (status >> 8) & 0xff;
        _ = Libc.kill(Environment.ProcessId, signal); // the master is to log what happened to the child
        return 1;
    }
}
