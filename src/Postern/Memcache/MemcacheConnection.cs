using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Postern.Core.Config;
using Postern.Native;

namespace Postern.Memcache;

/// <summary>One connection to a memcached. After a failure it is of no more use: nobody knows what the server sends next.</summary>
internal sealed unsafe class MemcacheConnection : IDisposable
{
    private const string NotUnderstood = "the reply is not memcached's";

    private readonly int _descriptor;
    private readonly MemcacheFile _file;
    private readonly byte[] _buffer;
    private int _start;
    private int _end;

    private MemcacheConnection(int descriptor, MemcacheFile file) =>
        (_descriptor, _file, _buffer) = (descriptor, file, new byte[Math.Min(Math.Max(file.LineSizeLimit, 512), 65536)]);

    /// <summary>When to give up, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Deadline { get; set; }

    /// <param name="reason">On failure, the system's words.</param>
    public static bool TryOpen(
        byte[] address, long deadline, MemcacheFile file, [NotNullWhen(true)] out MemcacheConnection? connection, [NotNullWhen(false)] out string? reason)
    {
        connection = null;
        var descriptor = Libc.socket(SockAddr.Family(address), Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (descriptor < 0)
        {
            reason = Errno.LastText;
            return false;
        }

        fixed (byte* start = address)
        {
            var error = Libc.connect(descriptor, start, (uint)address.Length) == 0 ? 0 : Errno.Last;
            if (error == Errno.EINPROGRESS)
            {
                var length = (uint)sizeof(int);
                error = !Wait(descriptor, Libc.POLLOUT, deadline) ? Errno.ETIMEDOUT
                    : Libc.getsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &length) < 0 ? Errno.Last : error;
            }

            if (error != 0)
            {
                _ = Libc.close(descriptor);
                reason = Errno.Text(error);
                return false;
            }
        }

        var one = 1;
        _ = Libc.setsockopt(descriptor, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, &one, sizeof(int)); // a UNIX socket has no delay to turn off
        connection = new MemcacheConnection(descriptor, file) { Deadline = deadline };
        reason = null;
        return true;
    }

    /// <summary>Sends a request whose reply is one line.</summary>
    /// <param name="orElse">Another reply that is as good.</param>
    /// <returns>What went wrong; null: nothing.</returns>
    public string? Exchange(ReadOnlySpan<byte> request, string reply, string? orElse) =>
        Send(request) ?? ReadLine(out var line) ?? (line == reply || line == orElse ? null : Refusal(line));

    /// <param name="key">As the server knows it.</param>
    /// <param name="value">Null: there is none.</param>
    public string? Get(string key, out byte[]? value)
    {
        value = null;
        string? line = null;
        if ((Send(Encoding.Latin1.GetBytes($"get {key}\r\n")) ?? ReadLine(out line)) is { } problem)
            return problem;
        if (line == "END")
            return null;

        // VALUE key flags length
        var words = line!.Split(' ');
        if (words is not ["VALUE", var name, _, var size, ..] || name != key
            || !int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            return Refusal(line);
        }

        if (length > _file.DataSizeLimit)
            return $"a value of {length} bytes is longer than data_size_limit";
        var data = new byte[length + 2];
        if ((ReadData(data) ?? ReadLine(out line)) is { } failure)
            return failure;
        if (!data.AsSpan(length).SequenceEqual("\r\n"u8) || line != "END")
            return NotUnderstood;
        value = data[..length];
        return null;
    }

    public void Dispose() => _ = Libc.close(_descriptor);

    private static string Refusal(string? line) =>
        line is not null && (line == "ERROR" || line.Contains("ERROR ", StringComparison.Ordinal) || line == "NOT_STORED") ? $"the server says: {line}" : NotUnderstood;

    private static bool Wait(int descriptor, short events, long deadline)
    {
        var entry = new PollEntry { Descriptor = descriptor, Events = events };
        int count;
        do
        {
            var left = (deadline - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency;
            count = Libc.poll(&entry, 1, (int)Math.Max(0, left));
        }
        while (count < 0 && Errno.Last == Errno.EINTR);
        return count > 0;
    }

    private string? Send(ReadOnlySpan<byte> request)
    {
        fixed (byte* start = request)
        {
            for (var sent = 0; sent < request.Length;)
            {
                var count = (int)Libc.send(_descriptor, start + sent, (nuint)(request.Length - sent), Libc.MSG_NOSIGNAL);
                if (count >= 0)
                    sent += count;
                else if (Errno.Last is not (Errno.EAGAIN or Errno.EINTR))
                    return Errno.LastText;
                else if (!Wait(_descriptor, Libc.POLLOUT, Deadline))
                    return Errno.Text(Errno.ETIMEDOUT);
            }
        }

        return null;
    }

    private string? ReadLine(out string? line)
    {
        line = null;
        for (var length = 0; ;)
        {
            var newline = _buffer.AsSpan(_start + length, _end - _start - length).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                length += newline;
                line = Encoding.Latin1.GetString(_buffer, _start, length).TrimEnd('\r');
                _start += length + 1;
                return null;
            }

            length = _end - _start;
            if (length >= Math.Min(_file.LineSizeLimit, _buffer.Length))
                return "the reply is longer than line_size_limit";
            if (Fill() is { } problem)
                return problem;
        }
    }

    private string? ReadData(Span<byte> data)
    {
        while (true)
        {
            var count = Math.Min(_end - _start, data.Length);
            _buffer.AsSpan(_start, count).CopyTo(data);
            _start += count;
            data = data[count..];
            if (data.IsEmpty)
                return null;
            if (Fill() is { } problem)
                return problem;
        }
    }

    /// <summary>Receives more, behind what is still to be read.</summary>
    private string? Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        while (true)
        {
            // The deadline also ends a server that sends on and on.
            if (!Wait(_descriptor, Libc.POLLIN, Deadline))
                return Errno.Text(Errno.ETIMEDOUT);
            nint count;
            fixed (byte* room = &_buffer[_end])
                count = Libc.recv(_descriptor, room, (nuint)(_buffer.Length - _end), 0);
            if (count == 0)
                return "the server has closed the connection";
            if (count < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR)
                continue;
            if (count < 0)
                return Errno.LastText;
            _end += (int)count;
            return null;
        }
    }
}
