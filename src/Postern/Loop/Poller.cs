using Postern.Native;

namespace Postern.Loop;

/// <summary>
/// epoll(7), level-triggered. What we hand over must be forgotten here first: closing our copy of a descriptor does not
/// take a socket out of the set while another process holds it, and every packet of its mail would wake us.
/// </summary>
internal sealed unsafe class Poller : IDisposable
{
    /// <summary>Most events of one round.</summary>
    public const int RoundSize = 256;

    private readonly int _epoll;
    private readonly byte[] _events = GC.AllocateUninitializedArray<byte>(RoundSize * EpollEvent.MaxSize, pinned: true);

    public Poller()
    {
        _epoll = Libc.epoll_create1(Libc.EPOLL_CLOEXEC);
        if (_epoll < 0)
            throw new InvalidOperationException("epoll_create1: " + Errno.LastText);
    }

    /// <summary>Reports input, end of input and errors of <paramref name="fd"/> under <paramref name="token"/>.</summary>
    /// <returns>False when the kernel has no room.</returns>
    public bool Watch(int fd, ulong token) => Watch(fd, Libc.EPOLLIN, token);

    /// <summary>Reports <paramref name="events"/> (EPOLLIN, EPOLLOUT), errors and hang-ups of <paramref name="fd"/> under <paramref name="token"/>.</summary>
    /// <returns>False when the kernel has no room.</returns>
    public bool Watch(int fd, uint events, ulong token) => EpollEvent.Control(_epoll, Libc.EPOLL_CTL_ADD, fd, events, token) == 0;

    /// <summary>Reports other events of a descriptor that is watched already.</summary>
    public void Change(int fd, uint events, ulong token) => EpollEvent.Control(_epoll, Libc.EPOLL_CTL_MOD, fd, events, token);

    /// <summary>Reports other events of a descriptor, which may be unwatched so far.</summary>
    /// <param name="fd">The descriptor.</param>
    /// <param name="now">What is reported at the moment; null: it is not watched.</param>
    /// <param name="wanted">EPOLLIN, EPOLLOUT; 0: nothing but errors and hang-ups, and nothing at all while it is not watched.</param>
    /// <param name="token">As before.</param>
    /// <returns>What is reported from now on; null: it is not watched.</returns>
    public uint? Change(int fd, uint? now, uint wanted, ulong token)
    {
        if (now == wanted || (now is null && wanted == 0))
            return now;
        if (now is null)
            return Watch(fd, wanted, token) ? wanted : null;
        Change(fd, wanted, token);
        return wanted;
    }

    /// <summary>Reports nothing more of <paramref name="fd"/>.</summary>
    public void Forget(int fd) => Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_DEL, fd, null);

    /// <summary>Waits for events.</summary>
    /// <param name="milliseconds">0: only look; -1: for ever.</param>
    /// <returns>How many there are; their tokens are read by <see cref="Token"/>.</returns>
    public int Wait(int milliseconds)
    {
        fixed (byte* events = _events)
            return Math.Max(0, Libc.epoll_wait(_epoll, events, RoundSize, milliseconds)); // a signal counts as nothing
    }

    /// <summary>The token of one event of the last round.</summary>
    public ulong Token(int index)
    {
        fixed (byte* events = _events)
            return EpollEvent.Data(events, index);
    }

    /// <summary>What happened, of one event of the last round: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.</summary>
    public uint Events(int index)
    {
        fixed (byte* events = _events)
            return EpollEvent.Events(events, index);
    }

    public void Dispose() => Libc.close(_epoll);
}
