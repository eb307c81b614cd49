using System.Diagnostics;
using System.Globalization;
using System.Text;
using Postern.Native;

namespace Postern.Tables;

/// <summary>How proxymap(8) answered; the first ones are the protocol's numbers.</summary>
internal enum ProxymapStatus
{
    /// <summary>The key is there; or the table is open.</summary>
    Found = 0,

    /// <summary>The table has no such key.</summary>
    NoKey = 1,

    /// <summary>The table cannot be asked now.</summary>
    Retry = 2,

    /// <summary>The request is not understood.</summary>
    BadRequest = 3,

    /// <summary>The table is not among <c>proxy_read_maps</c>.</summary>
    Denied = 4,

    /// <summary>The table's own configuration is wrong.</summary>
    BadTable = 5,

    /// <summary>There is no connection, or it broke; the value says why.</summary>
    Unreachable,

    /// <summary>There was no answer in time; the value says so.</summary>
    TimedOut,
}

/// <param name="Value">The table's answer, or the trouble in words.</param>
internal readonly record struct ProxymapAnswer(ProxymapStatus Status, string Value);

/// <summary>
/// One connection to Postfix's proxymap(8), in the attribute protocol of Postfix's daemons: names and values, each with a
/// NUL behind it, and a NUL behind the last pair.
/// </summary>
/// <remarks>
/// <code>
/// S: protocol proxymap_protocol
/// C: request open    table hash:/x  flags 0                               S: status 0  flags 64
/// C: request lookup  table hash:/x  flags 64  key beta                    S: status 0  value two words
/// since 3.11:
/// C: request open    table cdb:/x  instance_flags 0                       S: status 0  flags 28
/// C: request lookup  table cdb:/x  instance_flags 0  flags 92  key beta   S: status 0  flags 92  value two words
/// </code>
/// Since 3.11 a look-up has to give back the flags of the answer to <c>open</c>: without them a key of a cdb: or lmdb: file is
/// not found, although it is there.
/// Each answers the other form with status 3 (<see cref="Core.Versions.PostfixDifferences.ProxymapProtocol"/>).
/// </remarks>
/// <param name="sendsInstanceFlags">Which form to try first; the answers tell which is understood.</param>
internal sealed unsafe class ProxymapClient(string socketPath, TimeSpan patience, bool sendsInstanceFlags)
{
    private const int MostBytes = 1 << 20; // of an answer
    private const int LookupFlags = 64; // shared locks while reading, as postscreen asks for

    private readonly byte[] _address = new byte[SockAddr.MaxLength];
    private int _socket = -1;
    private bool _sendsInstanceFlags = sendsInstanceFlags;
    private int? _tableFlags; // of the answer to open; null: it was not asked, or not in this form
    private long _start;

    ~ProxymapClient() => Disconnect();

    /// <summary>Asks whether the table may be read.</summary>
    public ProxymapAnswer Open(string table) => Ask(table, key: null);

    /// <summary>Looks up a key.</summary>
    public ProxymapAnswer Lookup(string table, string key) => Ask(table, key);

    /// <param name="key">Null: the table is only opened.</param>
    private ProxymapAnswer Ask(string table, string? key)
    {
        if (table.Contains('\0') || (key is not null && key.Contains('\0')))
            return new ProxymapAnswer(ProxymapStatus.NoKey, ""); // the protocol cannot say it
        _start = Stopwatch.GetTimestamp();
        var wasConnected = _socket >= 0;
        var answer = AskInEitherForm(table, key);
        if (answer.Status == ProxymapStatus.Unreachable && wasConnected)
            answer = AskInEitherForm(table, key); // it ends after some idle time, and a new one takes over
        return answer;
    }

    private ProxymapAnswer AskInEitherForm(string table, string? key)
    {
        var answer = AskInThisForm(table, key);
        if (answer.Status != ProxymapStatus.BadRequest)
            return answer;
        Disconnect(); // what is left of the request must not be taken for the next one
        (_sendsInstanceFlags, _tableFlags) = (!_sendsInstanceFlags, null);
        answer = AskInThisForm(table, key);
        if (answer.Status == ProxymapStatus.BadRequest)
            Disconnect();
        return answer;
    }

    private ProxymapAnswer AskInThisForm(string table, string? key)
    {
        if (key is null)
            return AskOnce("open", table, flags: 0, key);
        if (!_sendsInstanceFlags)
            return AskOnce("lookup", table, LookupFlags, key);
        if (_tableFlags is null && AskOnce("open", table, flags: 0, key: null) is { Status: not ProxymapStatus.Found } failure)
            return failure;
        return AskOnce("lookup", table, _tableFlags.GetValueOrDefault() | LookupFlags, key);
    }

    private ProxymapAnswer AskOnce(string request, string table, int flags, string? key)
    {
        if (_socket < 0 && Connect() is { } failure)
            return failure;
        var text = new StringBuilder();
        text.Append("request\0").Append(request).Append("\0table\0").Append(table).Append('\0');
        if (_sendsInstanceFlags)
            text.Append("instance_flags\00\0");
        if (key is not null || !_sendsInstanceFlags)
            text.Append(CultureInfo.InvariantCulture, $"flags\0{flags}\0");
        if (key is not null)
            text.Append("key\0").Append(key).Append('\0');
        text.Append('\0');

        if (Send(Encoding.Latin1.GetBytes(text.ToString())) is { } broken)
            return broken;
        var attributes = Receive(out var trouble);
        if (attributes is null)
            return trouble;
        if (key is null && int.TryParse(attributes.GetValueOrDefault("flags"), NumberStyles.None, CultureInfo.InvariantCulture, out var tableFlags))
            _tableFlags = tableFlags;
        return attributes.TryGetValue("status", out var status) && int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number <= (int)ProxymapStatus.BadTable
            ? new ProxymapAnswer((ProxymapStatus)number, attributes.GetValueOrDefault("value", ""))
            : Break(ProxymapStatus.Unreachable, "unexpected answer");
    }

    private ProxymapAnswer? Connect()
    {
        _socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (_socket < 0)
            return Break(ProxymapStatus.Unreachable, Errno.LastText);
        var length = SockAddr.WriteUnix(_address, socketPath);
        fixed (byte* address = _address)
        {
            if (Libc.connect(_socket, address, (uint)length) < 0)
                return Break(ProxymapStatus.Unreachable, Errno.LastText); // a full queue too: it is not waited for
        }

        var greeting = Receive(out var trouble);
        if (greeting is null)
            return trouble;
        return greeting.GetValueOrDefault("protocol") == "proxymap_protocol" ? null : Break(ProxymapStatus.Unreachable, "it is not proxymap");
    }

    private ProxymapAnswer? Send(byte[] request)
    {
        fixed (byte* start = request)
        {
            for (var sent = 0; sent < request.Length;)
            {
                var count = (int)Libc.send(_socket, start + sent, (nuint)(request.Length - sent), Libc.MSG_NOSIGNAL);
                if (count >= 0)
                    sent += count;
                else if (WaitAfter(Errno.Last, Libc.POLLOUT) is { } trouble)
                    return trouble;
            }
        }

        return null;
    }

    /// <returns>Null with the trouble, after which there is no connection.</returns>
    private Dictionary<string, string>? Receive(out ProxymapAnswer trouble)
    {
        var buffer = new byte[4096];
        var held = 0;
        trouble = default;
        while (true)
        {
            if (held == buffer.Length)
                Array.Resize(ref buffer, 2 * held);
            nint count;
            fixed (byte* start = buffer)
                count = Libc.recv(_socket, start + held, (nuint)(buffer.Length - held), 0);
            if (count == 0)
                trouble = Break(ProxymapStatus.Unreachable, "the service hung up");
            else if (count < 0)
                trouble = WaitAfter(Errno.Last, Libc.POLLIN) ?? trouble;
            if (_socket < 0)
                return null;

            held += Math.Max(0, (int)count);
            if (ProxymapAttributes.TryParse(buffer.AsSpan(0, held), out var attributes))
                return attributes;
            if (held <= MostBytes)
                continue;
            trouble = Break(ProxymapStatus.Unreachable, "the answer is too long");
            return null;
        }
    }

    /// <param name="error">Why nothing could be sent or received.</param>
    /// <returns>Null when it can be tried again.</returns>
    private ProxymapAnswer? WaitAfter(int error, short what)
    {
        if (error == Errno.EINTR)
            return null;
        if (error != Errno.EAGAIN)
            return Break(ProxymapStatus.Unreachable, Errno.Text(error));
        var left = patience - Stopwatch.GetElapsedTime(_start);
        var entry = new PollEntry { Descriptor = _socket, Events = what };
        return left > TimeSpan.Zero && Libc.poll(&entry, 1, (int)Math.Ceiling(left.TotalMilliseconds)) != 0
            ? null
            : Break(ProxymapStatus.TimedOut, Errno.Text(Errno.ETIMEDOUT));
    }

    private ProxymapAnswer Break(ProxymapStatus status, string reason)
    {
        Disconnect();
        return new ProxymapAnswer(status, $"connect to {socketPath}: {reason}");
    }

    private void Disconnect()
    {
        if (_socket >= 0)
            _ = Libc.close(_socket);
        _socket = -1;
    }
}
