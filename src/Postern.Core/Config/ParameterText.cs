using System.Globalization;

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
}
