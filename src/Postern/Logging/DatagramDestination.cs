using Postern.Native;

namespace Postern.Logging;

/// <summary>
/// The local syslog daemon, or Postfix's postlogd(8), which takes lines as they stand in a file: one datagram a line, never
/// waiting. A daemon that restarts is found again at the next batch, one that stays away is looked for ever more seldom.
/// </summary>
/// <param name="path">Where it listens.</param>
internal sealed unsafe class DatagramDestination(string path, bool isSyslog, TimeProvider time) : ILogDestination
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private int _socket = -1;
    private long _failedAt;
    private TimeSpan _pause;
    private bool _inTrouble;
    private string? _warning;

    /// <inheritdoc />
    public bool IsSyslog => isSyslog;

    /// <inheritdoc />
    public int Write(ReadOnlySpan<byte> lines)
    {
        var mayReconnect = _socket >= 0;
        if (_socket < 0 && !TryConnect())
            return 0;

        var taken = 0;
        while (taken < lines.Length)
        {
            var length = lines[taken..].IndexOf((byte)'\n');
            if (TrySend(lines.Slice(taken, length)))
            {
                taken += length + 1;
                (_pause, _inTrouble) = (default, false);
                continue;
            }

            switch (Errno.Last)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN or Errno.ENOBUFS:
                    return taken;
                case Errno.EMSGSIZE:
                    Complain("line too long for");
                    taken += length + 1;
                    continue;
                default:
                    Complain("cannot write to");
                    Disconnect();
                    if (mayReconnect && TryConnect())
                    {
                        mayReconnect = false; // a socket that connects and never takes a line must not hold us here
                        continue;
                    }

                    Postpone();
                    return taken;
            }
        }

        return taken;
    }

    /// <inheritdoc />
    public bool WaitForRoom(int milliseconds)
    {
        if (_socket < 0)
            return false;
        var entry = new PollEntry { Descriptor = _socket, Events = Libc.POLLOUT };
        return Libc.poll(&entry, 1, milliseconds) > 0;
    }

    /// <inheritdoc />
    public void Reopen()
    {
        Disconnect();
        _pause = default;
    }

    /// <inheritdoc />
    public string? TakeWarning()
    {
        var warning = _warning;
        _warning = null;
        return warning;
    }

    /// <inheritdoc />
    public void Dispose() => Disconnect();

    private bool TrySend(ReadOnlySpan<byte> line)
    {
        fixed (byte* data = line)
            return Libc.send(_socket, data, (nuint)line.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL) >= 0;
    }

    private bool TryConnect()
    {
        if (_pause > TimeSpan.Zero && time.GetElapsedTime(_failedAt) < _pause)
            return false;

        var address = stackalloc byte[SockAddr.MaxLength];
        var length = SockAddr.WriteUnix(new Span<byte>(address, SockAddr.MaxLength), path);
        _socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0);
        if (_socket >= 0 && Libc.connect(_socket, address, (uint)length) == 0)
            return true;

        Complain("cannot connect to");
        Disconnect();
        Postpone();
        return false;
    }

    private void Postpone()
    {
        _failedAt = time.GetTimestamp();
        _pause = _pause == default ? FirstPause : _pause + _pause;
        if (_pause > LongestPause)
            _pause = LongestPause;
    }

    private void Complain(string what)
    {
        if (!_inTrouble)
            _warning = $"{what} {path}: {Errno.LastText}";
        _inTrouble = true;
    }

    private void Disconnect()
    {
        if (_socket >= 0)
            Libc.close(_socket);
        _socket = -1;
    }
}
