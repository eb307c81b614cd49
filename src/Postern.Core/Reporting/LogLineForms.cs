using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// Lines as people have them: behind the name of a container or of a file, with a facility or a level before the tag or behind
/// it, in the languages of journalctl, as RFC 5424, CRI, Solaris, FreeBSD, BusyBox and OpenWrt have them. The tag,
/// <c>postfix/postscreen[123]:</c>, is found anywhere; what stands before it must hold a time stamp, and little else.
/// </summary>
internal static class LogLineForms
{
    private const int MaxPrefix = 256; // bytes before the stamp: a path, the name of a pod
    private const int MaxWeekday = 12; // bytes
    private const int MaxWords = 8; // between stamp and tag: a host, a level; what says more is some other program's text

    private static readonly SearchValues<byte> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.-+@"u8);
    private static readonly SearchValues<byte> Letters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"u8);

    private static readonly string[] Levels =
    [
        "emerg", "emergency", "panic", "alert", "crit", "critical", "fatal", "err", "error", "warn", "warning", "notice", "info", "information", "informational",
        "debug", "trace", "stdout", "stderr",
    ];

    private static readonly string[] Facilities = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "local", "security", "console"];

    /// <param name="line">Without its line end.</param>
    /// <param name="clock">What stamps leave out.</param>
    /// <param name="parsed">The parts.</param>
    /// <param name="isInner">It is the text of another line: then it begins with its stamp.</param>
    public static bool TryParse(ReadOnlySpan<byte> line, LogClock clock, out MailLogLine parsed, bool isInner = false)
    {
        parsed = default;
        if (TryFindTag(line, out var tagStart, out var tag, out var processId, out var text))
        {
            var before = line[..tagStart];
            if (!LogStamp.TryFind(before, clock, out var stamp) || stamp.Start > MaxPrefix || (isInner && !MayBegin(before[..stamp.Start])) || !MayStandAlone(before, stamp) || !TryFindHost(before, clock, stamp, out var host))
                return false;
            parsed = new MailLogLine(stamp.Time, stamp.Offset, host, tag, processId, WithoutMessageId(text));
            return true;
        }

        return TryParseSyslogProtocol(line, clock, out parsed);
    }

    /// <summary>Solaris writes <c>[ID 197553 mail.info] </c> before the text, others a level: away with it.</summary>
    public static ReadOnlySpan<byte> WithoutMessageId(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] is not ((byte)'[' or (byte)'<') || text.IndexOf(text[0] == (byte)'[' ? "] "u8 : "> "u8) is not (> 0 and < 40 and var end))
            return text;
        var inside = text[1..end];
        return inside.StartsWith("ID "u8) || IsLevel(inside) ? text[(end + 2)..] : text;
    }

    /// <summary>Whether a word says how important a line is, and not from where: <c>INFO</c>, <c>mail.info</c>, <c>&lt;22&gt;</c>.</summary>
    public static bool IsLevel(ReadOnlySpan<byte> word)
    {
        word = word.TrimEnd((byte)':');
        if (word.Length > 1 && word[0] is (byte)'<' or (byte)'[' && word[^1] is (byte)'>' or (byte)']')
            return true;
        if (word.IndexOfAny(".:"u8) is > 0 and var point)
        {
            var facility = word[..point].TrimEnd("0123456789"u8);
            return (facility.IsEmpty || IsOneOf(facility, Facilities)) && (IsOneOf(word[(point + 1)..], Levels) || (facility.IsEmpty && LogStamp.TryReadNumber(word[(point + 1)..], out _)));
        }

        return IsOneOf(word, Levels);
    }

    // Text of others may hold a line like ours; one that stands in another line begins it, with the day of the week or a container's name.
    private static bool MayBegin(ReadOnlySpan<byte> prefix)
    {
        prefix = prefix.TrimEnd((byte)' ');
        return prefix.EndsWith("|"u8) || (prefix.Length <= MaxWeekday && !prefix.ContainsAny(" \"'/0123456789"u8));
    }

    // A clock without a date, as Postern writes it to a terminal, may have the name of a container before it, and nothing else.
    private static bool MayStandAlone(ReadOnlySpan<byte> before, in LogStamp stamp) =>
        stamp.HasDate || stamp.Start == 0 || before[..stamp.Start].TrimEnd((byte)' ').EndsWith("|"u8);

    /// <summary>Finds the first <c>NAME[NUMBER]:</c>.</summary>
    public static bool TryFindTag(ReadOnlySpan<byte> line, out int start, out ReadOnlySpan<byte> tag, out uint processId, out ReadOnlySpan<byte> text)
    {
        (start, processId) = (0, 0);
        tag = text = [];
        for (var at = 0; line[at..].IndexOf("]:"u8) is >= 0 and var found; at += found + 2)
        {
            var end = at + found;
            var bracket = line[..end].LastIndexOf((byte)'[');
            if (bracket <= 0 || !LogStamp.TryReadNumber(line[(bracket + 1)..end], out var number))
                continue;
            start = line[..bracket].LastIndexOfAnyExcept(NameCharacters) + 1;
            if (start == bracket || (end + 2 < line.Length && line[end + 2] != (byte)' '))
                continue;
            tag = line[start..bracket];
            processId = (uint)number;
            text = line[Math.Min(end + 3, line.Length)..];
            return true;
        }

        return false;
    }

    private static bool TryFindHost(ReadOnlySpan<byte> before, LogClock clock, LogStamp stamp, out ReadOnlySpan<byte> host)
    {
        host = [];
        // Before the stamp: mailserver | , [pod/mail-0/postfix] , <22>1 , Fri
        var prefix = before[..stamp.Start].Trim(" \t"u8);
        var hasWeekday = !prefix.IsEmpty && !prefix.ContainsAny(" |]>:"u8);
        if (prefix.EndsWith("|"u8))
            host = prefix[..^1].TrimEnd((byte)' ');
        else if (prefix.EndsWith("]"u8) && prefix.LastIndexOf((byte)'[') is >= 0 and var bracket)
            host = prefix[(bracket + 1)..^1];

        // Between stamp and tag: a second stamp, where somebody has put his own before ours; the host; the level.
        var rest = before[stamp.End..];
        while (LogStamp.TryFind(rest, clock, out var second) && second.HasDate)
        {
            rest = rest[second.End..];
            hasWeekday = false;
        }

        var isZone = hasWeekday;
        for (var words = 0; !(rest = rest.TrimStart(" \t"u8)).IsEmpty; words++)
        {
            var word = rest.IndexOfAny(" \t"u8) is >= 0 and var end ? rest[..end] : rest;
            rest = rest[word.Length..];
            if (words == MaxWords)
                return false;
            if (host.IsEmpty && !IsLevel(word) && !(isZone && IsZone(word)) && word.ContainsAny(Letters) && !(word.Length == 1 && word[0] is (byte)'F' or (byte)'P'))
                host = word;
            isZone = false;
        }

        return true;
    }

    // CEST, -03: behind the clock of journalctl -o short-full, which begins with the day of the week.
    private static bool IsZone(ReadOnlySpan<byte> word) =>
        word.Length is >= 2 and <= 5 && (!word.ContainsAnyExceptInRange((byte)'A', (byte)'Z') || (word[0] is (byte)'+' or (byte)'-' && LogStamp.TryReadNumber(word[1..], out _)));

    // RFC 5424: [<22>]1 2026-10-02T10:59:54.705153+02:00 mx postfix/postscreen 11713 - - CONNECT from ...
    private static bool TryParseSyslogProtocol(ReadOnlySpan<byte> line, LogClock clock, out MailLogLine parsed)
    {
        parsed = default;
        if (line.IndexOf("1 2"u8) is not (>= 0 and < MaxPrefix and var version) || !LogStamp.TryFind(line, clock, out var stamp) || stamp.Start != version + 2)
            return false;
        var rest = line[stamp.End..];
        if (!TrySkip(ref rest, out _) || !TrySkip(ref rest, out var host) || !TrySkip(ref rest, out var program) || !TrySkip(ref rest, out var process) || !TrySkip(ref rest, out _) || rest.IsEmpty)
            return false;
        if (rest[0] == (byte)'[')
        {
            // Structured data: a quoted value may hold a bracket, behind a backslash.
            var isQuoted = false;
            var at = 0;
            for (; at < rest.Length && !(rest[at] == (byte)' ' && !isQuoted && rest[at - 1] == (byte)']'); at++)
            {
                if (rest[at] == (byte)'\\')
                    at++;
                else if (rest[at] == (byte)'"')
                    isQuoted = !isQuoted;
            }

            rest = rest[Math.Min(at, rest.Length)..];
        }
        else if (!TrySkip(ref rest, out var nothing) || !nothing.SequenceEqual("-"u8))
        {
            return false;
        }

        rest = rest.TrimStart((byte)' ');
        if (rest.StartsWith(Encoding.UTF8.Preamble))
            rest = rest[Encoding.UTF8.Preamble.Length..];
        _ = Utf8Parser.TryParse(process, out uint processId, out _);
        parsed = new MailLogLine(stamp.Time, stamp.Offset, host.SequenceEqual("-"u8) ? [] : host, program, processId, rest);
        return true;
    }

    private static bool TrySkip(scoped ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> word)
    {
        var blank = line.IndexOf((byte)' ');
        word = blank >= 0 ? line[..blank] : line;
        line = blank >= 0 ? line[(blank + 1)..] : [];
        return blank >= 0;
    }

    private static bool IsOneOf(ReadOnlySpan<byte> word, string[] names)
    {
        foreach (var name in names)
        {
            if (Ascii.EqualsIgnoreCase(word, name))
                return true;
        }

        return false;
    }
}
