using System.Diagnostics;

namespace Postern.Native;

/// <summary>
/// A connection for a thread that has the time to wait for its server, but not for ever: each wait for a byte has a limit, and
/// all of them together one.
/// </summary>
internal sealed unsafe class PatientSocket : IDisposable
{
    private int _descriptor;

    private PatientSocket(int descriptor) => _descriptor = descriptor;

    ~PatientSocket() => Close();

    /// <summary>The longest wait for anything to happen.</summary>
    public TimeSpan Patience { get; set; }

    /// <summary>When to give up in any case, in ticks of <see cref="Stopwatch"/>.</summary>
    public long End { get; set; }

    /// <summary>Whether the server is there, and has said nothing that nobody asked for.</summary>
    public bool IsQuiet
    {
        get
        {
            var entry = new PollEntry { Descriptor = _descriptor, Events = Libc.POLLIN };
            return Libc.poll(&entry, 1, 0) == 0;
        }
    }

    /// <summary>Connects.</summary>
    /// <param name="address">As <see cref="SockAddr"/> writes it.</param>
    /// <param name="patience"><see cref="Patience"/>.</param>
    /// <param name="end"><see cref="End"/>.</param>
    /// <param name="error">On failure, as in errno(3); else 0.</param>
    public static PatientSocket? Connect(byte[] address, TimeSpan patience, long end, out int error)
    {
        var descriptor = Libc.socket(SockAddr.Family(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (descriptor < 0)
        {
            error = Errno.Last;
            return null;
        }

        var socket = new PatientSocket(descriptor) { Patience = patience, End = end };
        fixed (byte* start = address)
            error = Libc.connect(descriptor, start, (uint)address.Length) == 0 ? 0 : Errno.Last;
        if (error == Errno.EINPROGRESS && (error = socket.Wait(Libc.POLLOUT)) == 0)
        {
            int failure;
            var length = (uint)sizeof(int);
            error = Libc.getsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_ERROR, &failure, &length) < 0 ? Errno.Last : failure;
        }

        if (error == 0)
            return socket;
        socket.Dispose();
        return null;
    }

    /// <summary>Sends all of it.</summary>
    /// <returns>An error as in errno(3), or 0.</returns>
    public int Send(ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            for (var sent = 0; sent < data.Length;)
            {
                var count = (int)Libc.send(_descriptor, start + sent, (nuint)(data.Length - sent), Libc.MSG_NOSIGNAL);
                if (count >= 0)
                    sent += count;
                else if (Errno.Last != Errno.EINTR && (Errno.Last != Errno.EAGAIN ? Errno.Last : Wait(Libc.POLLOUT)) is not 0 and var error)
                    return error;
            }
        }

        return 0;
    }

    /// <summary>Waits for more.</summary>
    /// <param name="room">Not empty.</param>
    /// <param name="count">Number of bytes; 0: the server has closed the connection.</param>
    /// <returns>An error as in errno(3), or 0.</returns>
    public int Receive(Span<byte> room, out int count)
    {
        while (true)
        {
            fixed (byte* start = room)
                count = (int)Libc.recv(_descriptor, start, (nuint)room.Length, 0);
            if (count >= 0)
                return 0;
            if (Errno.Last != Errno.EINTR && (Errno.Last != Errno.EAGAIN ? Errno.Last : Wait(Libc.POLLIN)) is not 0 and var error)
                return error;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private int Wait(short events)
    {
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), End);
        left = left < Patience ? left : Patience;
        var entry = new PollEntry { Descriptor = _descriptor, Events = events };
        if (left <= TimeSpan.Zero)
            return Errno.ETIMEDOUT;
        return Libc.poll(&entry, 1, (int)Math.Ceiling(left.TotalMilliseconds)) switch
        {
            0 => Errno.ETIMEDOUT,
            < 0 when Errno.Last != Errno.EINTR => Errno.Last,
            _ => 0, // what was waited for is tried again
        };
    }

    private void Close()
    {
        if (_descriptor >= 0)
            _ = Libc.close(_descriptor);
        _descriptor = -1;
    }
}
