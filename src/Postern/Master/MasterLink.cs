using System.Globalization;
using Postern.Native;

namespace Postern.Master;

/// <summary>
/// The serving process's connection with Postfix's master(8): it reports when clients come, and is told by the end of the
/// status pipe that the master is gone or has begun anew. See <see cref="MasterKeeper"/> for why there are two processes.
/// </summary>
internal sealed unsafe class MasterLink
{
    /// <summary>Where the master expects reports: <c>{int pid, unsigned generation, int available}</c>, 12 bytes.</summary>
    public const int StatusDescriptor = 5;

    /// <summary>The first listening socket.</summary>
    public const int FirstListener = 6;

    private readonly int _keeper;
    private readonly int _keeperId;
    private readonly uint _generation;

    private MasterLink(int keeper, int keeperId, uint generation) => (_keeper, _keeperId, _generation) = (keeper, keeperId, generation);

    /// <summary>Takes over the descriptors that the keeper left.</summary>
    /// <param name="keeper">Value of <see cref="MasterKeeper.Variable"/>.</param>
    /// <returns>Null when they are not what they should be.</returns>
    public static MasterLink? Open(string keeper, MasterInvocation invocation)
    {
        if (!int.TryParse(keeper, NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor)
            || Libc.fcntl(descriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) != 0
            || Libc.fcntl(StatusDescriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) != 0)
        {
            return null;
        }

        // A master that does not read must not hold up the loop.
        _ = Libc.fcntl(StatusDescriptor, Libc.F_SETFL, Libc.fcntl(StatusDescriptor, Libc.F_GETFL, 0) | Libc.O_NONBLOCK);
        return new MasterLink(descriptor, Libc.getppid(), invocation.Generation);
    }

    /// <summary>Tells the keeper who we are from now on, so that it becomes the same user.</summary>
    public void ReportUser()
    {
        var ids = stackalloc uint[] { Libc.geteuid(), Libc.getgid() };
        _ = Libc.send(_keeper, (byte*)ids, 2 * sizeof(uint), Libc.MSG_NOSIGNAL);
    }

    /// <summary>
    /// As postscreen does around each client: taken, and available again. It shows the master that this process works, and
    /// that it need not start another.
    /// </summary>
    public void ReportClient()
    {
        var messages = stackalloc int[] { _keeperId, (int)_generation, 0, _keeperId, (int)_generation, 1 };
        _ = Libc.write(StatusDescriptor, (byte*)messages, 3 * sizeof(int)); // that the master is gone is seen elsewhere
        _ = Libc.write(StatusDescriptor, (byte*)(messages + 3), 3 * sizeof(int));
    }

    /// <summary>Watches from a thread of its own; the calls come on that thread.</summary>
    /// <param name="idleFor">How long there has been no client; zero: there is one.</param>
    /// <param name="maxIdle">After how long without clients to end (<c>max_idle</c>).</param>
    /// <param name="gone">Once: the master or the keeper has gone.</param>
    /// <param name="idle">Whenever there was no client for that long.</param>
    public void Watch(Func<TimeSpan> idleFor, TimeSpan maxIdle, Action gone, Action idle) =>
        new Thread(() => WaitForEvents(idleFor, maxIdle, gone, idle), maxStackSize: 128 * 1024) { IsBackground = true, Name = "master" }.Start();

    private void WaitForEvents(Func<TimeSpan> idleFor, TimeSpan maxIdle, Action gone, Action idle)
    {
        var entries = stackalloc PollEntry[2];
        while (true)
        {
            entries[0] = new PollEntry { Descriptor = StatusDescriptor };
            entries[1] = new PollEntry { Descriptor = _keeper };
            var left = Math.Clamp((maxIdle - idleFor()).TotalMilliseconds, 50, int.MaxValue);
            var count = Libc.poll(entries, 2, (int)Math.Ceiling(left));
            if (count > 0)
            {
                gone();
                return;
            }

            if (count == 0 && idleFor() >= maxIdle)
                idle();
        }
    }
}
