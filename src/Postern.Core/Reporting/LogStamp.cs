using System.Buffers.Text;
using System.Numerics;

namespace Postern.Core.Reporting;

/// <summary>
/// A time stamp that stands somewhere in a line. A clock, <c>HH:MM:SS</c>, is looked for, and a date to its left, or a
/// year to its right: the month may be a number or a name in any language.
/// </summary>
/// <param name="Time">The clock of the machine that logged, in whole seconds.</param>
/// <param name="Offset">What that clock is ahead of UTC; null: the stamp does not say.</param>
/// <param name="Start">Where the stamp begins.</param>
/// <param name="End">Where it ends.</param>
/// <param name="HasDate">Without it <see cref="Time"/> is of today.</param>
internal readonly record struct LogStamp(DateTime Time, TimeSpan? Offset, int Start, int End, bool HasDate)
{
    private const int ClockLength = 8; // "10:59:54"
    private const int MaxYearsBack = 5; // 29 February is in one year of four
    private const int MaxMonthWords = 5; // "Thg 10"; "Bisha Kow iyo Tobnaad"

    /// <summary>Finds the first stamp.</summary>
    /// <param name="text">What stands before the tag.</param>
    /// <param name="clock">What stamps leave out.</param>
    /// <param name="stamp">The stamp.</param>
    public static bool TryFind(ReadOnlySpan<byte> text, LogClock clock, out LogStamp stamp)
    {
        stamp = default;
        var today = clock.Today;
        for (var at = 0; text[at..].IndexOf((byte)':') is >= 0 and var colon; at += colon + 1)
        {
            var start = at + colon - 2;
            if (start < 0 || !TryReadClock(text[start..], out var seconds) || (start > 0 && IsDigit(text[start - 1])))
                continue;
            if (TryReadDate(text, start, today, out var date, out var dateStart, out var end))
            {
                stamp = new LogStamp(date.AddSeconds(seconds), TryReadOffset(text, ref end), dateStart, end, HasDate: true);
                return true;
            }

            if (stamp.End == 0)
                stamp = new LogStamp(today.Date.AddSeconds(seconds), null, start, start + ClockLength, HasDate: false);
        }

        return stamp.End > 0 || TryReadEpoch(text, clock, out stamp);
    }

    /// <summary>Reads <c>HH:MM:SS</c> at the beginning.</summary>
    public static bool TryReadClock(ReadOnlySpan<byte> text, out int seconds)
    {
        seconds = 0;
        if (text.Length < ClockLength || text[2] != (byte)':' || text[5] != (byte)':'
            || !TryReadNumber(text[..2], out var hour) || !TryReadNumber(text[3..5], out var minute) || !TryReadNumber(text[6..8], out var second)
            || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        seconds = (hour * 60 + minute) * 60 + second;
        return true;
    }

    /// <summary>Reads digits and nothing else.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> text, out int number)
    {
        number = 0;
        foreach (var digit in text)
        {
            if (!IsDigit(digit))
                return false;
            number = number * 10 + digit - '0';
        }

        return !text.IsEmpty;
    }

    /// <summary>Whether there is such a day, and one after it.</summary>
    public static bool IsDate(int year, int month, int day) =>
        year is >= 1 and < 9999 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);

    /// <summary>The last such day that is not in the future; tomorrow is not, where the log is of another zone.</summary>
    public static bool TryFindYear(int month, int day, DateTime today, out DateTime date)
    {
        var tomorrow = today.Date.AddDays(1);
        for (var year = tomorrow.Year; year > tomorrow.Year - MaxYearsBack; year--)
        {
            if (!IsDate(year, month, day))
                continue;
            date = new DateTime(year, month, day);
            if (date <= tomorrow)
                return true;
        }

        date = default;
        return false;
    }

    private static bool TryReadDate(ReadOnlySpan<byte> text, int clock, DateTime today, out DateTime date, out int start, out int end)
    {
        (date, start, end) = (default, 0, clock + ClockLength);
        if (end < text.Length && text[end] is (byte)'.' or (byte)',' && end + 1 < text.Length && IsDigit(text[end + 1]))
        {
            do
                end++; // the fraction
            while (end < text.Length && IsDigit(text[end]));
        }

        var left = text[..clock];
        if (left.IsEmpty)
            return false;
        if (left[^1] is (byte)'T' or (byte)'t' or (byte)'_' or (byte)':')
            left = left[..^1];
        left = left.TrimEnd(" ,"u8);
        if (TryReadNumericDate(left, out date, out start))
            return true;

        var last = LastWord(left);
        var rest = left[..^last.Length].TrimEnd((byte)' ');
        if (last.Length == 4 && TryReadNumber(last, out var year))
            return TryReadNamedDate(rest, year, today, out date, out start); // Oct  2 2026 10:59:54, 02 Oct 2026 10:59:54
        if (!TryReadYear(text, ref end, out year))
            year = 0; // else: Sat Oct  2 10:59:54 2026
        return TryReadNamedDate(left, year, today, out date, out start);
    }

    // 2026-10-02, 2026/10/02, 02.10.2026, 02/Oct/2026
    private static bool TryReadNumericDate(ReadOnlySpan<byte> left, out DateTime date, out int start)
    {
        const int Length = 10, NamedLength = 11;
        (date, start) = (default, left.Length - Length);
        if (start < 0)
            return false;
        var text = left[start..];
        int year, month, day;
        if (text[4] is (byte)'-' or (byte)'/' && text[7] == text[4])
        {
            if (!TryReadNumber(text[..4], out year) || !TryReadNumber(text[5..7], out month) || !TryReadNumber(text[8..], out day))
                return false;
        }
        else if (text[2] == (byte)'.' && text[5] == (byte)'.')
        {
            if (!TryReadNumber(text[..2], out day) || !TryReadNumber(text[3..5], out month) || !TryReadNumber(text[6..], out year))
                return false;
        }
        else
        {
            start = left.Length - NamedLength;
            if (start < 0 || left[start + 2] != (byte)'/' || left[start + 6] != (byte)'/')
                return false;
            text = left[start..];
            month = BitOperations.TrailingZeroCount(MonthNames.Find(text[3..6])) + 1;
            if (!TryReadNumber(text[..2], out day) || !TryReadNumber(text[7..], out year))
                return false;
        }

        if ((start > 0 && IsDigit(left[start - 1])) || !IsDate(year, month, day))
            return false;
        date = new DateTime(year, month, day);
        return true;
    }

    // What ends in a month and a day, in this order or the other.
    private static bool TryReadNamedDate(ReadOnlySpan<byte> left, int year, DateTime today, out DateTime date, out int start)
    {
        (date, start) = (default, 0);
        var last = LastWord(left);
        if (TryReadDay(last, out var day))
            return TryReadMonth(left[..^last.Length].TrimEnd((byte)' '), out var months, out start) && TryPlace(months, day, year, today, out date);

        // 02 Oct
        if (!TryReadMonth(left, out var named, out var nameStart))
            return false;
        left = left[..nameStart].TrimEnd((byte)' ');
        last = LastWord(left);
        start = left.Length - last.Length;
        return TryReadDay(last, out day) && TryPlace(named, day, year, today, out date);
    }

    private static bool TryReadDay(ReadOnlySpan<byte> word, out int day)
    {
        word = word.TrimEnd("."u8); // "2. Okt"
        day = 0;
        return word.Length is 1 or 2 && TryReadNumber(word, out day);
    }

    private static bool TryReadMonth(ReadOnlySpan<byte> left, out ushort months, out int start)
    {
        (months, start) = (0, left.Length);
        var from = left.Length;
        for (var words = 0; words < MaxMonthWords && from > 0; words++)
        {
            from -= LastWord(left[..from]).Length;
            if (left.Length - from > MonthNames.MaxLength)
                break;
            if (MonthNames.Find(left[from..]) is not 0 and var found)
                (months, start) = (found, from); // the longest
            from = left[..from].TrimEnd((byte)' ').Length;
        }

        return months != 0;
    }

    // Where languages disagree about a name, the month that is nearer.
    private static bool TryPlace(ushort months, int day, int year, DateTime today, out DateTime date)
    {
        date = default;
        for (var month = 1; month <= 12; month++)
        {
            if ((months >> (month - 1) & 1) == 0)
                continue;
            if (year != 0 && IsDate(year, month, day) && new DateTime(year, month, day) is var named && (date == default || named <= today))
                date = named;
            else if (year == 0 && TryFindYear(month, day, today, out var found) && found > date)
                date = found;
        }

        return date != default;
    }

    // " 2026", or " CEST 2026", as ctime(3) and date(1) have it.
    private static bool TryReadYear(ReadOnlySpan<byte> text, ref int end, out int year)
    {
        const int Length = 5, LongestZone = 6;
        year = 0;
        var at = end;
        if (at + 1 < text.Length && text[at] == (byte)' ' && text[at + 1] is >= (byte)'A' and <= (byte)'Z' && text[(at + 1)..].IndexOf((byte)' ') is >= 0 and <= LongestZone and var zone)
            at += zone + 1;
        if (at + Length > text.Length || text[at] != (byte)' ' || (at + Length < text.Length && text[at + Length] != (byte)' ')
            || !TryReadNumber(text.Slice(at + 1, Length - 1), out year))
        {
            return false;
        }

        end = at + Length;
        return true;
    }

    // Z, +02:00, +0200, +02
    internal static TimeSpan? TryReadOffset(ReadOnlySpan<byte> text, ref int end)
    {
        var rest = text[end..];
        if (rest.IsEmpty)
            return null;
        if (rest[0] is (byte)'Z' or (byte)'z' && (rest.Length == 1 || !IsWord(rest[1])))
        {
            end++;
            return TimeSpan.Zero;
        }

        if (rest[0] is not ((byte)'+' or (byte)'-') || rest.Length < 3 || !TryReadNumber(rest[1..3], out var hours) || hours > 14)
            return null;
        var (length, minutes) = (3, 0);
        var colon = rest.Length > 3 && rest[3] == (byte)':' ? 1 : 0;
        if (rest.Length >= 5 + colon && TryReadNumber(rest.Slice(3 + colon, 2), out minutes))
            length = 5 + colon;
        else
            minutes = 0;
        end += length;
        var offset = new TimeSpan(hours, minutes, 0);
        return rest[0] == (byte)'-' ? -offset : offset;
    }

    // Seconds since 1970, as journalctl -o short-unix has them: 1795500000.123456.
    private static bool TryReadEpoch(ReadOnlySpan<byte> text, LogClock clock, out LogStamp stamp)
    {
        const int Digits = 10;
        const long First = 1_000_000_000; // 2001: smaller numbers are something else
        stamp = default;
        var word = text.IndexOf((byte)' ') is >= 0 and var blank ? text[..blank] : text;
        if (word.Length < Digits || !Utf8Parser.TryParse(word, out long seconds, out var length) || length != Digits || seconds < First
            || (word.Length > length && (word[length] != (byte)'.' || word[(length + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9'))))
        {
            return false;
        }

        var time = clock.OfEpoch(seconds, out var offset);
        stamp = new LogStamp(time, offset, 0, word.Length, HasDate: true);
        return true;
    }

    private static ReadOnlySpan<byte> LastWord(ReadOnlySpan<byte> text) => text[(LastBoundary(text) + 1)..];

    private static int LastBoundary(ReadOnlySpan<byte> text) => text.LastIndexOfAny(" \t>[(|:\""u8);

    private static bool IsDigit(byte value) => value is >= (byte)'0' and <= (byte)'9';

    private static bool IsWord(byte value) => IsDigit(value) || value is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z');
}
