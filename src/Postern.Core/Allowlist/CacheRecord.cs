using System.Globalization;
using System.Text;

namespace Postern.Core.Allowlist;

/// <summary>
/// The text form of a client's passes, postscreen's own: five decimal Unix times joined by semicolons, in the order
/// pregreet, DNSBL, pipelining, non-SMTP command, bare newline.
/// <code>1795574805;1;1798080406;1798080406;1798080406</code>
/// </summary>
public static class CacheRecord
{
    /// <summary>The key beside the addresses that says when the last full cleanup ended, as decimal Unix time.</summary>
    public const string LastCleanupKey = "_LAST_CACHE_CLEANUP_COMPLETED_";

    /// <summary>Longest record that we write, in bytes.</summary>
    public const int MaxLength = 5 * 10 + 4;

    /// <summary>The time that stands for "never passed": missing, unreadable, or disabled when written.</summary>
    internal const uint Due = 1;

    /// <summary>Seconds since 1970 UTC, clamped to what a record of ours can hold (until 2106).</summary>
    public static uint Seconds(DateTimeOffset moment) => (uint)Math.Clamp(moment.ToUnixTimeSeconds(), 0, uint.MaxValue);

    /// <summary>
    /// Reads a record as postscreen does, that is with strtoul(3): it never fails. Older records have fewer fields; what
    /// is missing, garbage or too large counts as 1 (due), an empty field before a semicolon as 0.
    /// </summary>
    public static TestExpiry Parse(ReadOnlySpan<byte> text)
    {
        if (text.IndexOf((byte)0) is >= 0 and var end)
            text = text[..end];
        var position = 0;
        return new(
            ReadField(text, ref position),
            ReadField(text, ref position),
            ReadField(text, ref position),
            ReadField(text, ref position),
            ReadField(text, ref position));
    }

    /// <inheritdoc cref="Parse(ReadOnlySpan{byte})" />
    public static TestExpiry Parse(string text) => Parse(Encoding.Latin1.GetBytes(text));

    /// <summary>Writes the record.</summary>
    /// <returns>The number of bytes written; <paramref name="destination"/> needs <see cref="MaxLength"/>.</returns>
    public static int Format(TestExpiry expiry, Span<byte> destination)
    {
        var length = 0;
        WriteField(expiry.Pregreet, destination, ref length);
        destination[length++] = (byte)';';
        WriteField(expiry.Dnsbl, destination, ref length);
        destination[length++] = (byte)';';
        WriteField(expiry.Pipelining, destination, ref length);
        destination[length++] = (byte)';';
        WriteField(expiry.NonSmtpCommand, destination, ref length);
        destination[length++] = (byte)';';
        WriteField(expiry.BareNewline, destination, ref length);
        return length;
    }

    /// <summary>The record as text.</summary>
    public static string Format(TestExpiry expiry)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        return Encoding.ASCII.GetString(text[..Format(expiry, text)]);
    }

    private static void WriteField(uint seconds, Span<byte> destination, ref int length)
    {
        seconds.TryFormat(destination[length..], out var written, provider: CultureInfo.InvariantCulture);
        length += written;
    }

    private static uint ReadField(ReadOnlySpan<byte> text, ref int position)
    {
        if (position >= text.Length)
            return Due;
        var stop = ReadUnsignedLong(text, position, out var value, out var overflow);
        var isLast = stop == text.Length;
        var isGarbage = !isLast && text[stop] != (byte)';';
        // After garbage the next field starts where the number stopped, so it is garbage too, and so on to the end.
        position = isLast || isGarbage ? stop : stop + 1;
        if (isGarbage || overflow || value > long.MaxValue) // "-5" is before 1970 to postscreen, so due
            return Due;
        return (uint)Math.Min(value, uint.MaxValue);
    }

    /// <summary>strtoul(3), base 10, of a 64-bit C library.</summary>
    /// <returns>Where reading stopped: <paramref name="start"/> itself if there is no number.</returns>
    private static int ReadUnsignedLong(ReadOnlySpan<byte> text, int start, out ulong value, out bool overflow)
    {
        (value, overflow) = (0, false);
        var position = start;
        while (position < text.Length && text[position] is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r'))
            position++;
        var isNegative = position < text.Length && text[position] == (byte)'-';
        if (position < text.Length && text[position] is (byte)'-' or (byte)'+')
            position++;
        var firstDigit = position;
        for (; position < text.Length && text[position] is >= (byte)'0' and <= (byte)'9'; position++)
        {
            var digit = (ulong)(text[position] - '0');
            overflow |= value > (ulong.MaxValue - digit) / 10;
            value = unchecked(value * 10 + digit);
        }

        if (position == firstDigit)
            return start;
        if (isNegative)
            value = unchecked(0 - value);
        return position;
    }
}
