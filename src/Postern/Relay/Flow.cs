using Postern.Core.Relay;
using Postern.Native;

namespace Postern.Relay;

/// <summary>How one direction of a relayed session stands.</summary>
internal enum FlowState : byte
{
    /// <summary>Bytes may come.</summary>
    Open,

    /// <summary>The source has ended, all is delivered, and the destination was told that nothing more comes.</summary>
    Ended,

    /// <summary>The destination takes nothing any more.</summary>
    Broken,
}

/// <summary>
/// One direction of a relayed session. Bytes go from the source's socket through a pipe to the destination's with
/// splice(2) and never reach user space. No more is taken from the source than the destination has room for, but for one
/// pipe: a slow reader makes its own sender wait, and nobody else.
/// </summary>
internal unsafe struct Flow
{
    private const int PipeSize = 64 * 1024;
    private const int WatchedSize = 4096;
    private const int MaxTurns = 8; // then other sessions get their turn

    private Pipe _pipe;
    private int _pending;

    /// <summary>How it stands.</summary>
    public FlowState State { get; private set; }

    /// <summary>How many bytes were delivered.</summary>
    public long Total { get; private set; }

    /// <summary>Whether bytes wait for room at the destination.</summary>
    public readonly bool HasPending => _pending > 0;

    /// <summary>Whether more is to be taken from the source.</summary>
    public readonly bool WantsInput => State is FlowState.Open && _pending == 0;

    /// <summary>Delivers bytes that were read before; what the destination does not take at once goes first from now on.</summary>
    /// <returns>False when it cannot be kept.</returns>
    public bool Preload(int to, ReadOnlySpan<byte> bytes, PipePool pipes)
    {
        fixed (byte* data = bytes)
        {
            var sent = Math.Max(0, Libc.send(to, data, (nuint)bytes.Length, Libc.MSG_NOSIGNAL));
            Total += sent;
            var rest = bytes.Length - (int)sent;
            if (rest == 0)
                return true;
            if (!TryTakePipe(pipes))
                return false;
            _pending = (int)Math.Max(0, Libc.write(_pipe.In, data + sent, (nuint)rest));
            return _pending == rest;
        }
    }

    /// <summary>Moves what can be moved.</summary>
    /// <param name="from">The source.</param>
    /// <param name="to">The destination.</param>
    /// <param name="pipes">Where pipes come from.</param>
    /// <param name="watcher">Sees what comes from the source; null: nobody.</param>
    /// <returns>0, or the error number with which the source failed.</returns>
    public int Move(int from, int to, PipePool pipes, AuthWatcher? watcher)
    {
        for (var turn = 0; turn < MaxTurns && State is FlowState.Open; turn++)
        {
            if (_pending > 0 && !TryDeliver(to, pipes))
                return 0;
            if (!TryTakePipe(pipes))
                return Errno.EMFILE;
            var taken = watcher is null ? Take(from, PipeSize) : Take(from, watcher);
            var error = taken < 0 ? Errno.Last : 0;
            if (taken > 0)
            {
                _pending = (int)taken;
                continue;
            }

            ReturnPipe(pipes);
            if (error is Errno.EAGAIN or Errno.EINTR)
                return 0;
            if (error != 0)
                return error;
            _ = Libc.shutdown(to, Libc.SHUT_WR); // nothing is taken before all that was taken is delivered
            State = FlowState.Ended;
        }

        return 0;
    }

    /// <summary>Gives the pipe back, whatever is in it.</summary>
    public void Drop(PipePool pipes)
    {
        ReturnPipe(pipes);
        State = FlowState.Broken;
    }

    private readonly nint Take(int from, int most) =>
        Libc.splice(from, null, _pipe.In, null, (nuint)most, Libc.SPLICE_F_MOVE | Libc.SPLICE_F_NONBLOCK);

    /// <summary>Looks at it in the kernel first.</summary>
    private readonly nint Take(int from, AuthWatcher watcher)
    {
        var bytes = stackalloc byte[WatchedSize];
        var seen = (int)Libc.recv(from, bytes, WatchedSize, Libc.MSG_PEEK | Libc.MSG_DONTWAIT);
        if (seen <= 0)
            return seen;
        var taken = Take(from, seen);
        if (taken > 0)
            watcher.See(new ReadOnlySpan<byte>(bytes, (int)taken));
        return taken;
    }

    private bool TryDeliver(int to, PipePool pipes)
    {
        var sent = Libc.splice(_pipe.Out, null, to, null, (nuint)_pending, Libc.SPLICE_F_MOVE | Libc.SPLICE_F_NONBLOCK);
        if (sent > 0)
        {
            _pending -= (int)sent;
            Total += sent;
            if (_pending == 0)
                ReturnPipe(pipes);
        }
        else if (sent == 0 || Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
        {
            Drop(pipes);
        }

        return _pending == 0 && State is not FlowState.Broken;
    }

    private bool TryTakePipe(PipePool pipes)
    {
        if (_pipe != default)
            return true;
        _pipe = pipes.Take() ?? default;
        return _pipe != default;
    }

    private void ReturnPipe(PipePool pipes)
    {
        if (_pipe == default)
            return;
        pipes.Return(_pipe, isEmpty: _pending == 0);
        (_pipe, _pending) = (default, 0);
    }
}
