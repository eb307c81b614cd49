using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Postern.Core.Dnsbl;

/// <summary>
/// Which answers of a DNS list count: four fields between dots, each a number or alternatives in brackets, as in
/// <c>127.0.0.[2;5;10..11]</c>. The whole may stand in one more pair of brackets.
/// </summary>
public sealed class ReplyFilter
{
    private const int Fields = 4;
    private const int WordsOfField = 4; // 256 bits

    private readonly ulong[] _allowed;

    private ReplyFilter(string text, ulong[] allowed) => (Text, _allowed) = (text, allowed);

    /// <summary>As written, without the brackets around the whole.</summary>
    public string Text { get; }

    /// <summary>Reads a filter.</summary>
    /// <param name="text">What stands behind <c>=</c> in an element of <c>postscreen_dnsbl_sites</c>.</param>
    /// <param name="problem">On failure, Postfix's words.</param>
    public static bool TryParse(
        ReadOnlySpan<char> text, [NotNullWhen(true)] out ReplyFilter? filter, [NotNullWhen(false)] out string? problem)
    {
        filter = null;
        if (!TryStripBrackets(ref text, out problem))
            return false;

        var allowed = new ulong[Fields * WordsOfField];
        var position = 0;
        for (var field = 0; field < Fields; field++)
        {
            if (field > 0 && !TryTake(text, ref position, '.'))
                problem = Expected("need \".\"", text, position);
            else
                problem = ReadField(text, ref position, allowed.AsSpan(field * WordsOfField, WordsOfField));
            if (problem is not null)
                return false;
        }

        if (position < text.Length)
        {
            problem = Expected("garbage after pattern", text, position);
            return false;
        }

        filter = new ReplyFilter(text.ToString(), allowed);
        return true;
    }

    /// <param name="address">a.b.c.d with a in the most significant byte.</param>
    public bool Matches(uint address)
    {
        for (var field = 0; field < Fields; field++)
        {
            var number = (int)(address >> (24 - 8 * field)) & 0xff;
            if ((_allowed[field * WordsOfField + (number >> 6)] >> number & 1) == 0)
                return false;
        }

        return true;
    }

    /// <summary>Whether these fields, counted from 0, are one number each and not a choice.</summary>
    public bool IsExact(Range fields)
    {
        var (start, count) = fields.GetOffsetAndLength(Fields);
        for (var field = start; field < start + count; field++)
        {
            var choices = 0;
            for (var word = 0; word < WordsOfField; word++)
                choices += BitOperations.PopCount(_allowed[field * WordsOfField + word]);
            if (choices != 1)
                return false;
        }

        return true;
    }

    // The first bracket is one around the whole when its partner ends the text.
    private static bool TryStripBrackets(ref ReadOnlySpan<char> text, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (!text.IsEmpty && text[0] == '[')
        {
            var depth = 0;
            var end = 0;
            for (; end < text.Length; end++)
            {
                depth += text[end] switch { '[' => 1, ']' => -1, _ => 0 };
                if (depth == 0)
                    break;
            }

            if (end == text.Length)
                problem = "missing \"]\" character";
            else if (end == text.Length - 1)
                text = text[1..^1];
        }

        if (problem is null && text.IsEmpty)
            problem = "empty address pattern";
        return problem is null;
    }

    private static string? ReadField(ReadOnlySpan<char> text, ref int position, Span<ulong> allowed)
    {
        if (!TryTake(text, ref position, '['))
        {
            if (!TryReadNumber(text, ref position, out var only))
                return Expected("need decimal number 0..255 or \"[\"", text, position);
            Allow(allowed, only, only);
            return null;
        }

        do
        {
            if (!TryReadNumber(text, ref position, out var low))
                return Expected("need decimal number 0..255", text, position);
            var high = low;
            if (TryTake(text, ref position, '.')
                && (!TryTake(text, ref position, '.') || !TryReadNumber(text, ref position, out high) || high < low))
            {
                return Expected("numeric range error", text, StartOfNumber(text, position, high < low));
            }

            Allow(allowed, low, high);
        }
        while (TryTake(text, ref position, ';'));

        return TryTake(text, ref position, ']') ? null : Expected("need \";\" or \"]\"", text, position);
    }

    private static void Allow(Span<ulong> allowed, int low, int high)
    {
        for (var number = low; number <= high; number++)
            allowed[number >> 6] |= 1UL << number;
    }

    private static bool TryTake(ReadOnlySpan<char> text, ref int position, char character)
    {
        if (position >= text.Length || text[position] != character)
            return false;
        position++;
        return true;
    }

    /// <param name="position">Moved behind the number; not moved when it is none or too large.</param>
    private static bool TryReadNumber(ReadOnlySpan<char> text, ref int position, out int number)
    {
        number = 0;
        var end = position;
        for (; end < text.Length && char.IsAsciiDigit(text[end]); end++)
            number = Math.Min(number * 10 + (text[end] - '0'), 1000);
        if (end == position || number > 255)
            return false;
        position = end;
        return true;
    }

    // A number that was read and then found too small is what the message shows.
    private static int StartOfNumber(ReadOnlySpan<char> text, int position, bool wasRead)
    {
        while (wasRead && position > 0 && char.IsAsciiDigit(text[position - 1]))
            position--;
        return position;
    }

    /// <summary>The message with the offending number or character marked, as in <c>need "." at "1.2.3&gt;;&lt;4"</c>.</summary>
    private static string Expected(string what, ReadOnlySpan<char> text, int position)
    {
        var end = position;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        if (end == position && end < text.Length)
            end++;
        return $"{what} at \"{text[..position]}>{text[position..end]}<{text[end..]}\"";
    }
}
