using System.Globalization;
using System.Text;

namespace Postern.Core.Config;

/// <summary>Converts the text of numbers, times and booleans as Postfix does.</summary>
public static class ParameterText
{
    /// <summary>What strtol(3) takes when the whole text must be a number: white space, a sign, decimal digits.</summary>
    public static bool TryParseLong(ReadOnlySpan<char> text, out long value)
    {
        var digits = text.TrimStart(LogicalLines.WhiteSpace);
        return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    /// <summary><c>yes</c> or <c>no</c> in any letter case.</summary>
    public static bool TryParseBool(ReadOnlySpan<char> text, out bool value)
    {
        value = text.Equals("yes", StringComparison.OrdinalIgnoreCase);
        return value || text.Equals("no", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>
    /// A whole number and a unit letter (s, m, h, d, w); what follows the letter is ignored, and the default of
    /// <c>postscreen_dnsbl_max_ttl</c> relies on it.
    /// </summary>
    /// <param name="defaultUnit">For a number without a letter.</param>
    /// <param name="seconds">0 to <see cref="int.MaxValue"/>.</param>
    public static bool TryParseTime(ReadOnlySpan<char> text, char defaultUnit, out int seconds)
    {
        seconds = 0;
        var rest = text.TrimStart(LogicalLines.WhiteSpace);
        var end = !rest.IsEmpty && rest[0] is '+' or '-' ? 1 : 0;
        while (end < rest.Length && char.IsAsciiDigit(rest[end]))
            end++;
        if (!TryParseLong(rest[..end], out var number) || number < 0)
            return false;
        var scale = (end < rest.Length ? rest[end] : defaultUnit) switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => 0,
        };
        if (scale == 0 || number > int.MaxValue || (scale > 1 && number >= int.MaxValue / scale))
            return false;
        seconds = (int)number * scale;
        return true;
    }

    /// <summary>
    /// Undoes C's escapes: the letters, up to three octal digits, and any other character for itself.
    /// </summary>
    public static string Unescape(string text)
    {
        var output = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                output.Append(text[i]);
                continue;
            }

            var letter = text[++i];
            var simple = letter switch
            {
                'a' => '\a',
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\v',
                _ => letter,
            };
            if (letter is < '0' or > '7')
            {
                output.Append(simple);
                continue;
            }

            var (value, end) = (0, i + 3);
            for (; i < end && i < text.Length && text[i] is >= '0' and <= '7'; i++)
                value = value * 8 + (text[i] - '0');
            output.Append((char)(value & 0xff));
            i--; // the loop's own step
        }

        return output.ToString();
    }
}
