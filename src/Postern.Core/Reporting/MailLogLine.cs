using System.Buffers.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// A line of a mail log, taken apart. The usual forms are read as they stand: syslog's classic one
/// (<c>Nov 24 02:27:00 host postfix/postscreen[123]: text</c>), RFC 3339 time stamps, what <c>journalctl -o</c> makes with
/// <c>short</c>, <c>short-iso</c> and their like, with a host or without, and Postern's own terminal form, which has neither date
/// nor host. In all others the tag is looked for, and a stamp before it (<see cref="LogLineForms"/>). The line may stand in one
/// of the journal, which a service wrote it to on its standard output.
/// </summary>
public readonly ref struct MailLogLine
{
    private const int ClassicStamp = 15; // "Nov 24 02:27:00"
    private const int DateLength = 11; // "2026-11-24T"
    private const int ClockLength = 8; // "02:27:00"

    internal MailLogLine(DateTime time, TimeSpan? offset, ReadOnlySpan<byte> host, ReadOnlySpan<byte> tag, uint processId, ReadOnlySpan<byte> text)
    {
        (Time, Offset) = (time, offset);
        var slash = tag.LastIndexOf((byte)'/');
        Host = host;
        Program = tag[(slash + 1)..];
        Instance = slash < 0 ? [] : tag[..slash];
        ProcessId = processId;
        Text = text;
    }

    /// <summary>The clock of the machine that logged, in whole seconds.</summary>
    public DateTime Time { get; }

    /// <summary>What that clock is ahead of UTC; null: the line does not say.</summary>
    public TimeSpan? Offset { get; }

    /// <summary>The machine that logged, or what stands for it: a container's name; empty where there is none.</summary>
    public ReadOnlySpan<byte> Host { get; }

    /// <summary>The last part of the tag: <c>postscreen</c>.</summary>
    public ReadOnlySpan<byte> Program { get; }

    /// <summary>What stands before it, <c>syslog_name</c>: <c>postfix</c>, or <c>postfix/submission</c>.</summary>
    public ReadOnlySpan<byte> Instance { get; }

    /// <summary>Zero where there is none.</summary>
    public uint ProcessId { get; }

    /// <summary>What follows the tag.</summary>
    public ReadOnlySpan<byte> Text { get; }

    /// <summary>Takes a line apart.</summary>
    /// <param name="line">Without its line end.</param>
    /// <param name="today">The date for which classic stamps, which have no year, are not in the future.</param>
    /// <param name="parsed">The parts.</param>
    /// <returns>False when it is no line of a mail log.</returns>
    public static bool TryParse(ReadOnlySpan<byte> line, DateTime today, out MailLogLine parsed) => TryParse(line, new LogClock(today), out parsed);

    /// <param name="line">Without its line end.</param>
    /// <param name="clock">What stamps leave out.</param>
    /// <param name="parsed">The parts.</param>
    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, DateTime, out MailLogLine)" />
    public static bool TryParse(ReadOnlySpan<byte> line, LogClock clock, out MailLogLine parsed)
    {
        if (!TryParseUsual(line, clock, out parsed) && !LogLineForms.TryParse(line, clock, out parsed))
            return false;

        parsed = parsed.Innermost(clock);
        return true;
    }

    /// <summary>What a program writes to its standard output stands behind a stamp and a tag of whoever keeps that: the line in the line.</summary>
    internal MailLogLine Innermost(LogClock clock) =>
        BeginsWithStamp(Text) && (TryParseUsual(Text, clock, out var inner) || LogLineForms.TryParse(Text, clock, out inner, isInner: true))
            ? new MailLogLine(Time, Offset, inner.Host.IsEmpty ? Host : inner.Host, inner)
            : this;

    /// <summary>Another line's program and text, with a time and a host that are known better.</summary>
    internal MailLogLine(DateTime time, TimeSpan? offset, ReadOnlySpan<byte> host, MailLogLine rest)
    {
        (Time, Offset, ProcessId) = (time, offset, rest.ProcessId);
        Host = host;
        Program = rest.Program;
        Instance = rest.Instance;
        Text = rest.Text;
    }

    // Most texts do not, and to find out by reading one costs more than all the rest.
    private static bool BeginsWithStamp(ReadOnlySpan<byte> text)
    {
        const int MaxDate = 40; // in front of the clock
        if (text.Length < ClockLength)
            return false;
        text = text[..Math.Min(text.Length, MaxDate + ClockLength)];
        for (var at = 0; text[at..].IndexOf((byte)':') is >= 0 and var found; at += found + 1)
        {
            if (at + found >= 2 && LogStamp.TryReadClock(text[(at + found - 2)..], out _))
                return true;
        }

        return false;
    }

    private static bool TryParseUsual(ReadOnlySpan<byte> line, LogClock clock, out MailLogLine parsed)
    {
        parsed = default;
        if (!TryReadTime(ref line, clock.Today, out var time, out var offset, out var hasHost) || !TryReadTag(ref line, hasHost, out var host, out var tag, out var processId))
            return false;
        parsed = new MailLogLine(time, offset, host, tag, processId, line);
        return true;
    }

    private static bool TryReadTag(scoped ref ReadOnlySpan<byte> line, bool hasHost, out ReadOnlySpan<byte> host, out ReadOnlySpan<byte> tag, out uint processId)
    {
        host = tag = [];
        processId = 0;
        if (hasHost && !StartsWithTag(line) && !TrySkipWord(ref line, out host))
            return false;

        var colon = line.IndexOf(": "u8);
        if (colon <= 0)
            return false;
        tag = line[..colon];
        if (tag.Contains((byte)' '))
            return false;
        SplitTag(ref tag, ref processId);

        line = LogLineForms.WithoutMessageId(line[(colon + 2)..]);
        return true;
    }

    /// <summary>Takes <c>[123]</c> off the end of a tag that is not empty.</summary>
    internal static void SplitTag(ref ReadOnlySpan<byte> tag, ref uint processId)
    {
        if (tag[^1] != (byte)']' || tag.IndexOf((byte)'[') is not (> 0 and var bracket))
            return;
        _ = Utf8Parser.TryParse(tag[(bracket + 1)..^1], out processId, out _);
        tag = tag[..bracket];
    }

    private static bool TryReadTime(ref ReadOnlySpan<byte> line, DateTime today, out DateTime time, out TimeSpan? offset, out bool hasHost)
    {
        (time, offset, hasHost) = (default, null, true);
        if (line.Length < ClassicStamp)
            return false;
        var hasZoneName = line[3] == (byte)' ' && line[8] == (byte)'-';
        if (hasZoneName)
            line = line[4..]; // Tue 2026-11-24 02:27:00 UTC
        if (line[4] == (byte)'-')
        {
            // 2026-11-24T02:27:00.123456+00:00, or with a blank for the T.
            var end = line[DateLength..].IndexOf((byte)' ');
            if (end < ClockLength || !LogStamp.TryReadNumber(line[..4], out var year) || !LogStamp.TryReadNumber(line[5..7], out var month) || !LogStamp.TryReadNumber(line[8..10], out var day)
                || !LogStamp.TryReadClock(line[DateLength..], out var clock) || !LogStamp.IsDate(year, month, day))
            {
                return false;
            }

            time = new DateTime(year, month, day).AddSeconds(clock);
            offset = OffsetIn(line[(DateLength + ClockLength)..(DateLength + end)]);
            line = line[(DateLength + end + 1)..];
            return !hasZoneName || TrySkipWord(ref line, out _);
        }

        if (line[2] == (byte)':')
        {
            if (line[8] != (byte)' ' || !LogStamp.TryReadClock(line, out var clock))
                return false;
            time = today.Date.AddSeconds(clock);
            line = line[9..];
            hasHost = false;
            return true;
        }

        return TryReadClassic(ref line, today, out time);
    }

    private static bool TryReadClassic(ref ReadOnlySpan<byte> line, DateTime today, out DateTime time)
    {
        time = default;
        var index = "JanFebMarAprMayJunJulAugSepOctNovDec"u8.IndexOf(line[..3]);
        if (index < 0 || index % 3 != 0 || line[3] != (byte)' ' || line.Length <= ClassicStamp || line[ClassicStamp] is not ((byte)' ' or (byte)'.'))
            return false;
        var end = line[ClassicStamp..].IndexOf((byte)' '); // after the fraction, where there is one
        if (end < 0 || !LogStamp.TryReadNumber(line[4] == (byte)' ' ? line[5..6] : line[4..6], out var day) || !LogStamp.TryReadClock(line[7..], out var clock)
            || !LogStamp.TryFindYear(index / 3 + 1, day, today, out var date))
        {
            return false;
        }

        time = date.AddSeconds(clock);
        line = line[(ClassicStamp + end + 1)..];
        return true;
    }

    private static TimeSpan? OffsetIn(ReadOnlySpan<byte> text)
    {
        var at = text.IsEmpty || text[0] is not ((byte)'.' or (byte)',') ? 0 : 1 + Math.Max(0, text[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9'));
        return LogStamp.TryReadOffset(text, ref at);
    }

    // journalctl --no-hostname; a host's name does not end in a process id.
    private static bool StartsWithTag(ReadOnlySpan<byte> line) =>
        line.IndexOf((byte)' ') is > 0 and var blank && line[..blank].EndsWith("]:"u8);

    private static bool TrySkipWord(scoped ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> word)
    {
        var blank = line.IndexOf((byte)' ');
        word = blank > 0 ? line[..blank] : [];
        if (blank <= 0)
            return false;
        line = line[(blank + 1)..];
        return true;
    }
}
