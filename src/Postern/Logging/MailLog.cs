using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Logging;

/// <summary>
/// The log. A line is <c>Nov 24 02:27:00 HOST postfix/postscreen[123]: TEXT</c> in a file or on standard output, and
/// <c>&lt;22&gt;Nov 24 02:27:00 postfix/postscreen[123]: TEXT</c> to syslog.
/// </summary>
/// <remarks>
/// Lines are appended to a batch; the event loop calls <see cref="Flush"/> before it sleeps and at the latest every
/// 50 ms (see ADR 3). Any thread may write. Nothing here waits longer than <see cref="LongestWait"/> or throws: when the
/// destination takes nothing, <see cref="MaxPending"/> bytes are kept and later lines are counted as lost.
/// </remarks>
internal sealed class MailLog : IDisposable
{
    /// <summary>Bytes of TEXT that are kept, severity not counted.</summary>
    public const int MaxText = 2000;

    /// <summary>Bytes that wait at most for a destination that takes none.</summary>
    public const int MaxPending = 4 << 20;

    /// <summary>
    /// Milliseconds that one <see cref="Flush"/> waits at most for a reader that is slow but alive; over time, waiting takes
    /// no more than a tenth of the loop.
    /// </summary>
    public const int LongestWait = 20;

    private const int BatchSize = 64 << 10;
    private const int ShortWait = 5;
    private const int WaitShare = 10; // one millisecond of patience is earned in so many
    private const int ExitWait = 1000;

    // Severities by LogSeverity: prefix of the text, and code in <PRIORITY>.
    private static readonly byte[][] Prefixes = [[], [.. "warning: "u8], [.. "error: "u8], [.. "fatal: "u8]];
    private static readonly int[] Codes = [6, 4, 3, 2];

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly bool _hasSystemTime; // not a test's
    private ILogDestination _destination;
    private bool _keepUtf8;
    private LogTag _ownTag;
    private byte[][] _priorities; // by LogSeverity; empty unless syslog
    private byte[] _head; // "Nov 24 02:27:00 HOST ", or without the host
    private long _second; // UTC ticks at which the second in _head began
    private long _tick; // milliseconds: when the time was last asked for

    private byte[] _batch = new byte[BatchSize];
    private int _start;
    private int _end;
    private bool _stalled; // the destination took nothing when last asked
    private long _patience = LongestWait; // milliseconds that may still be waited
    private long _patienceEarnedAt = Environment.TickCount64;
    private long _lost;

    /// <param name="destination">Owned from now on.</param>
    public MailLog(ILogDestination destination, LogOptions options, TimeProvider time)
    {
        _time = time;
        _hasSystemTime = ReferenceEquals(time, TimeProvider.System);
        Adopt(destination, options);
    }

    /// <summary>Opens the destination that <paramref name="options"/> name.</summary>
    /// <param name="problem">In the administrator's words: a fatal error, or why lines have to wait for the disk.</param>
    public static bool TryOpen(
        LogOptions options,
        TimeProvider time,
        [NotNullWhen(true)] out MailLog? log,
        [NotNullWhen(false)] out string? problem)
    {
        log = LogDestinations.TryOpen(options, time, out var destination, out problem)
            ? new MailLog(destination, options, time)
            : null;
        return log is not null;
    }

    /// <summary>Whether lines wait for <see cref="Flush"/>.</summary>
    public bool HasPending => Volatile.Read(ref _end) != Volatile.Read(ref _start);

    /// <summary>Appends a line; the text is cut at <see cref="MaxText"/> and at a NUL, and made printable.</summary>
    public void Write(LogTag tag, LogSeverity severity, ReadOnlySpan<byte> text)
    {
        lock (_lock)
        {
            Append(tag, severity, text);
            if (_end - _start >= BatchSize && !_stalled)
                Drain(step: 0);
        }
    }

    /// <param name="text">Latin-1: each char is one byte.</param>
    public void Write(LogTag tag, LogSeverity severity, string text)
    {
        Span<byte> bytes = stackalloc byte[MaxText];
        var length = Encoding.Latin1.GetBytes(text.AsSpan(0, Math.Min(text.Length, MaxText)), bytes);
        Write(tag, severity, bytes[..length]);
    }

    /// <summary><see cref="Write(LogTag, LogSeverity, ReadOnlySpan{byte})"/> and <see cref="Flush"/>: for threads beside the loop.</summary>
    public void WriteNow(LogTag tag, LogSeverity severity, ReadOnlySpan<byte> text)
    {
        Write(tag, severity, text);
        Flush();
    }

    /// <inheritdoc cref="WriteNow(LogTag, LogSeverity, ReadOnlySpan{byte})" />
    public void WriteNow(LogTag tag, LogSeverity severity, string text)
    {
        Write(tag, severity, text);
        Flush();
    }

    /// <summary>Gives all pending lines to the destination, as far as it takes them.</summary>
    public void Flush()
    {
        lock (_lock)
            DrainPatiently();
    }

    /// <summary>After the file was rotated: pending lines go to the old file, later ones to the new.</summary>
    public void Reopen()
    {
        lock (_lock)
        {
            DrainPatiently();
            _destination.Reopen();
            ReportTrouble();
        }
    }

    /// <summary>Changes to other options, after a reload; on failure all stays as it was.</summary>
    /// <param name="problem">What is wrong with the new options, in the administrator's words.</param>
    public bool TryReconfigure(LogOptions options, [NotNullWhen(false)] out string? problem)
    {
        if (!LogDestinations.TryOpen(options, _time, out var destination, out problem))
            return false;

        lock (_lock)
        {
            DrainPatiently();
            // What the old destination did not take has its frame; the new one would not understand it.
            _lost += _batch.AsSpan(_start, _end - _start).Count((byte)'\n');
            _start = _end = 0;
            _destination.Dispose();
            Adopt(destination, options);
        }

        return true;
    }

    /// <summary>Makes an exception that ends the process show in the log, behind all lines that were pending.</summary>
    public void WatchForCrash(LogTag tag) => AppDomain.CurrentDomain.UnhandledException += (_, crash) =>
    {
        foreach (var line in crash.ExceptionObject.ToString()?.Split('\n') ?? [])
            Write(tag, LogSeverity.Fatal, line);
        Flush();
    };

    /// <summary>Writes what is pending, with more patience than while clients wait, and closes the destination.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            (_stalled, _patience) = (false, ExitWait);
            Drain(step: ExitWait / 4);
            _destination.Dispose();
        }
    }

    [MemberNotNull(nameof(_destination), nameof(_ownTag), nameof(_priorities), nameof(_head))]
    private void Adopt(ILogDestination destination, LogOptions options)
    {
        _destination = destination;
        _stalled = false;
        _keepUtf8 = options.KeepUtf8;
        _ownTag = LogTags.For(options.SyslogName).Postern;
        _priorities = new byte[Codes.Length][];
        for (var severity = 0; severity < Codes.Length; severity++)
        {
            var code = options.Facility * 8 + Codes[severity];
            _priorities[severity] = destination.IsSyslog
                ? Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"<{code}>"))
                : [];
        }

        var host = destination.IsSyslog ? "" : options.HostName.Split('.')[0] + " ";
        _head = new byte[TimeStamp.Length + 1 + host.Length];
        var name = Encoding.Latin1.GetBytes(host);
        Printable.Copy(name, _head.AsSpan(TimeStamp.Length + 1), keepUtf8: true);
        (_second, _tick) = (long.MinValue, long.MinValue);
    }

    private void Append(LogTag tag, LogSeverity severity, ReadOnlySpan<byte> text)
    {
        if (_lost > 0 && !ReportLoss())
        {
            _lost++;
            return;
        }

        if (text.Length > MaxText)
            text = text[..MaxText];
        var priority = _priorities[(int)severity];
        var prefix = Prefixes[(int)severity];
        var length = priority.Length + _head.Length + tag.Text.Length + prefix.Length + text.Length + 1;
        if (!MakeRoom(length))
        {
            _lost++;
            return;
        }

        RefreshHead();
        var line = _batch.AsSpan(_end, length);
        priority.CopyTo(line);
        var at = priority.Length;
        _head.CopyTo(line[at..]);
        at += _head.Length;
        tag.Text.CopyTo(line[at..]);
        at += tag.Text.Length;
        prefix.CopyTo(line[at..]);
        at += prefix.Length;
        at += Printable.Copy(text, line[at..], _keepUtf8);
        line[at++] = (byte)'\n';
        _end += at;
    }

    private void RefreshHead()
    {
        // Asking for the time costs as much as the rest of the line, the coarse tick count next to nothing.
        if (_hasSystemTime)
        {
            var tick = Environment.TickCount64;
            if (tick == _tick)
                return;
            _tick = tick;
        }

        var now = _time.GetUtcNow().Ticks;
        if ((ulong)(now - _second) < TimeSpan.TicksPerSecond)
            return;

        _second = now - now % TimeSpan.TicksPerSecond;
        TimeStamp.Write(_head, TimeZoneInfo.ConvertTimeFromUtc(new DateTime(now, DateTimeKind.Utc), _time.LocalTimeZone));
        _head[TimeStamp.Length] = (byte)' ';
    }

    private bool MakeRoom(int length)
    {
        if (_batch.Length - _end >= length)
            return true;

        var pending = _end - _start;
        if (pending + length > MaxPending)
            return false;
        var target = pending + length > _batch.Length ? new byte[Math.Min(_batch.Length * 2, MaxPending)] : _batch;
        _batch.AsSpan(_start, pending).CopyTo(target);
        (_batch, _start, _end) = (target, 0, pending);
        return true;
    }

    // Reports only when half of the room is free again, lest a trickle give a report for every few lines.
    private bool ReportLoss()
    {
        if (_end - _start > MaxPending / 2)
            return false;
        var lost = _lost;
        _lost = 0;
        var text = string.Create(CultureInfo.InvariantCulture, $"{lost} log lines were lost");
        Append(_ownTag, LogSeverity.Warning, Encoding.ASCII.GetBytes(text));
        return true;
    }

    private void ReportTrouble()
    {
        if (_destination.TakeWarning() is { } warning)
            Append(_ownTag, LogSeverity.Warning, Encoding.Latin1.GetBytes(warning));
    }

    private void DrainPatiently()
    {
        var now = Environment.TickCount64;
        var earned = (now - _patienceEarnedAt) / WaitShare;
        if (earned > 0)
            (_patience, _patienceEarnedAt) = (Math.Min(_patience + earned, LongestWait), now);
        Drain(ShortWait);
    }

    // Waits in steps of so many milliseconds, as long as there is patience and the reader keeps reading: one that stands
    // still costs the loop a single step.
    private void Drain(int step)
    {
        while (_start < _end || (_lost > 0 && ReportLoss()))
        {
            var offered = _end - _start;
            var written = _destination.Write(_batch.AsSpan(_start, offered));
            _start += written;
            if (_start == _end)
                Recycle();
            if (written > 0)
                _stalled = false;
            ReportTrouble(); // appends, so it may move the batch
            if (written == offered)
                continue;

            if (_stalled || step == 0 || _patience <= 0)
            {
                _stalled = true;
                return;
            }

            var before = Environment.TickCount64;
            _stalled = !_destination.WaitForRoom(step);
            _patience -= Environment.TickCount64 - before;
            if (_stalled)
                return;
        }
    }

    private void Recycle()
    {
        _start = _end = 0;
        if (_batch.Length > 4 * BatchSize)
            _batch = new byte[BatchSize]; // memory of a trouble that has passed
    }
}
