using System.Buffers.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// A line of a mail log, taken apart: syslog's classic form (<c>Nov 24 02:27:00 host postfix/postscreen[123]: text</c>),
/// RFC 3339 time stamps, what <c>journalctl -o</c> makes with <c>short</c>, <c>short-precise</c>, <c>short-iso</c>,
/// <c>short-iso-precise</c> and <c>short-full</c>, with a host or without, and Postern's own terminal form, which has
/// neither date nor host. The line may stand in one of the journal, which a service wrote it to on its standard output.
/// </summary>
public readonly ref struct MailLogLine
{
    private const int ClassicStamp = 15; // "Nov 24 02:27:00"
    private const int DateLength = 11; // "2026-11-24T"

    private MailLogLine(DateTime time, ReadOnlySpan<byte> tag, uint processId, ReadOnlySpan<byte> text)
    {
        Time = time;
        var slash = tag.LastIndexOf((byte)'/');
        Program = tag[(slash + 1)..];
        Instance = slash < 0 ? [] : tag[..slash];
        ProcessId = processId;
        Text = text;
    }

    /// <summary>The clock of the machine that logged; the zone is not kept.</summary>
    public DateTime Time { get; }

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
    public static bool TryParse(ReadOnlySpan<byte> line, DateTime today, out MailLogLine parsed)
    {
        parsed = default;
        if (!TryReadTime(ref line, today, out var time, out var hasHost) || !TryReadTag(ref line, hasHost, out var tag, out var processId))
            return false;

        // The journal has what a program writes to its standard output behind a time stamp and a tag of its own.
        var inner = line;
        if (TryReadTime(ref inner, today, out _, out hasHost) && TryReadTag(ref inner, hasHost, out var innerTag, out var innerId))
        {
            tag = innerTag;
            processId = innerId;
            line = inner;
        }

        parsed = new MailLogLine(time, tag, processId, line);
        return true;
    }

    private static bool TryReadTag(scoped ref ReadOnlySpan<byte> line, bool hasHost, out ReadOnlySpan<byte> tag, out uint processId)
    {
        tag = [];
        processId = 0;
        if (hasHost && !StartsWithTag(line) && !TrySkipWord(ref line))
            return false;

        var colon = line.IndexOf(": "u8);
        if (colon <= 0)
            return false;
        tag = line[..colon];
        if (tag.Contains((byte)' '))
            return false;
        if (tag[^1] == (byte)']' && tag.IndexOf((byte)'[') is > 0 and var bracket)
        {
            _ = Utf8Parser.TryParse(tag[(bracket + 1)..^1], out processId, out _);
            tag = tag[..bracket];
        }

        line = line[(colon + 2)..];
        return true;
    }

    private static bool TryReadTime(ref ReadOnlySpan<byte> line, DateTime today, out DateTime time, out bool hasHost)
    {
        (time, hasHost) = (default, true);
        if (line.Length < ClassicStamp)
            return false;
        var hasZoneName = line[3] == (byte)' ' && line[8] == (byte)'-';
        if (hasZoneName)
            line = line[4..]; // Tue 2026-11-24 02:27:00 UTC
        if (line[4] == (byte)'-')
        {
            // 2026-11-24T02:27:00.123456+00:00, or with a blank for the T.
            var end = line[DateLength..].IndexOf((byte)' ');
            if (end < 8 || !TryRead(line, 0, 4, out var year) || !TryRead(line, 5, 2, out var month) || !TryRead(line, 8, 2, out var day)
                || !TryReadClock(line[DateLength..], out var clock) || !IsDate(year, month, day))
            {
                return false;
            }

            time = new DateTime(year, month, day).AddSeconds(clock);
            line = line[(DateLength + end + 1)..];
            return !hasZoneName || TrySkipWord(ref line);
        }

        if (line[2] == (byte)':')
        {
            if (line[8] != (byte)' ' || !TryReadClock(line, out var clock))
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
        if (end < 0)
            return false;
        if (!TryRead(line, line[4] == (byte)' ' ? 5 : 4, line[4] == (byte)' ' ? 1 : 2, out var day) || !TryReadClock(line[7..], out var clock))
            return false;
        var month = index / 3 + 1;
        var tomorrow = today.Date.AddDays(1);
        for (var year = tomorrow.Year; year > tomorrow.Year - 5; year--) // 29 February is in one year of four
        {
            if (!IsDate(year, month, day))
                continue;
            time = new DateTime(year, month, day).AddSeconds(clock);
            if (time.Date > tomorrow)
                continue;
            line = line[(ClassicStamp + end + 1)..];
            return true;
        }

        return false;
    }

    private static bool TryReadClock(ReadOnlySpan<byte> text, out int seconds)
    {
        seconds = 0;
        if (text.Length < 8 || text[2] != (byte)':' || text[5] != (byte)':'
            || !TryRead(text, 0, 2, out var hour) || !TryRead(text, 3, 2, out var minute) || !TryRead(text, 6, 2, out var second)
            || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        seconds = (hour * 60 + minute) * 60 + second;
        return true;
    }

    private static bool TryRead(ReadOnlySpan<byte> text, int start, int length, out int number)
    {
        number = 0;
        foreach (var digit in text.Slice(start, length))
        {
            if (digit is < (byte)'0' or > (byte)'9')
                return false;
            number = number * 10 + digit - '0';
        }

        return true;
    }

    private static bool IsDate(int year, int month, int day) =>
        year is >= 1 and < 9999 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);

    // journalctl --no-hostname; a host's name does not end in a process id.
    private static bool StartsWithTag(ReadOnlySpan<byte> line) =>
        line.IndexOf((byte)' ') is > 0 and var blank && line[..blank].EndsWith("]:"u8);

    private static bool TrySkipWord(ref ReadOnlySpan<byte> line)
    {
        var blank = line.IndexOf((byte)' ');
        if (blank <= 0)
            return false;
        line = line[(blank + 1)..];
        return true;
    }
}
