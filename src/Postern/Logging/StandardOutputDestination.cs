using Postern.Native;

namespace Postern.Logging;

/// <summary>
/// Standard output: a terminal, a container's pipe, the journal's socket, a file. Whoever reads may stop reading, and that
/// must not stop the mail; O_NONBLOCK on our descriptor, however, would also befall the shell that shares it.
/// </summary>
internal sealed unsafe class StandardOutputDestination : ILogDestination
{
    // After POLLOUT a pipe takes this much without blocking (PIPE_BUF), and so does the rest in practice.
    private const int SafeChunk = 4096;

    private readonly int _original;
    private readonly int _own; // a description of our own, non-blocking; -1 = none to be had
    private readonly bool _isFile;
    private readonly bool _isSocket;
    private bool _inTrouble;
    private string? _warning;

    /// <param name="descriptor">1, or a test's stand-in; stays open.</param>
    public StandardOutputDestination(int descriptor = 1)
    {
        _original = descriptor;
        _own = -1;
        FileStatus status;
        if (Libc.statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &status) != 0)
            return;

        var type = status.Mode & Libc.S_IFMT;
        _isFile = type == Libc.S_IFREG;
        _isSocket = type == Libc.S_IFSOCK;
        if (type is Libc.S_IFIFO or Libc.S_IFCHR)
        {
            const int Flags = Libc.O_WRONLY | Libc.O_NONBLOCK | Libc.O_NOCTTY | Libc.O_CLOEXEC;
            _own = Libc.open($"/proc/self/fd/{descriptor}", Flags, 0);
        }
    }

    /// <inheritdoc />
    public bool IsSyslog => false;

    /// <inheritdoc />
    public int Write(ReadOnlySpan<byte> lines)
    {
        var taken = 0;
        while (taken < lines.Length)
        {
            var written = WriteSome(lines[taken..]);
            if (written > 0)
            {
                taken += (int)written;
                _inTrouble = false;
                continue;
            }

            if (written < 0 && Errno.Last == Errno.EINTR)
                continue;
            if (written < 0 && Errno.Last != Errno.EAGAIN)
            {
                if (!_inTrouble)
                    _warning = $"cannot write to standard output: {Errno.LastText}";
                _inTrouble = true;
            }

            break;
        }

        return taken;
    }

    /// <inheritdoc />
    public bool WaitForRoom(int milliseconds)
    {
        if (_isFile || _inTrouble)
            return false;
        var entry = new PollEntry { Descriptor = _own >= 0 ? _own : _original, Events = Libc.POLLOUT };
        return Libc.poll(&entry, 1, milliseconds) > 0 && (entry.Returned & Libc.POLLOUT) != 0;
    }

    /// <inheritdoc />
    public void Reopen()
    {
        // There is nothing to go back to: whoever started us holds the other end.
    }

    /// <inheritdoc />
    public string? TakeWarning()
    {
        var warning = _warning;
        _warning = null;
        return warning;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_own >= 0)
            Libc.close(_own);
    }

    // Bytes written, 0 = no room now, -1 = error.
    private nint WriteSome(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* data = bytes)
        {
            if (_own >= 0)
                return Libc.write(_own, data, (nuint)bytes.Length);
            if (_isSocket)
                return Libc.send(_original, data, (nuint)bytes.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
            if (_isFile)
                return Libc.write(_original, data, (nuint)bytes.Length);
            var entry = new PollEntry { Descriptor = _original, Events = Libc.POLLOUT };
            return Libc.poll(&entry, 1, 0) > 0
                ? Libc.write(_original, data, (nuint)Math.Min(bytes.Length, SafeChunk))
                : 0;
        }
    }
}
