using System.Text.RegularExpressions;

namespace Postern.Core.Lanes;

/// <summary>
/// The general rules of S25R (H. Asami, 2004) for reverse names that look like an end user's line. Rule 0, "there is no
/// name that leads back", is no matter of the name: <see cref="RdnsKind.Unconfirmed"/> and <see cref="RdnsKind.None"/>.
/// </summary>
/// <remarks>
/// The expressions are for names only. Given the text of an IPv6 address, the first one, as it was before 2009, matched.
/// </remarks>
public static partial class GenericNames
{
    /// <summary>The rules have the numbers 1 to this.</summary>
    public const int LastRule = 6;

    /// <summary>The first rule that a name matches.</summary>
    /// <param name="name">A host name, in any letter case; at most 255 bytes on the wire, so that matching has a bound.</param>
    /// <returns>1 to <see cref="LastRule"/>; 0: none.</returns>
    public static int FirstRule(string name)
    {
        for (var rule = 1; rule <= LastRule; rule++)
        {
            if (Matches(rule, name))
                return rule;
        }

        return 0;
    }

    /// <summary>Whether a name matches one rule.</summary>
    /// <param name="rule">1 to <see cref="LastRule"/>.</param>
    /// <param name="name">A host name.</param>
    public static bool Matches(int rule, string name) => rule switch
    {
        1 => TwoNumbers().IsMatch(name),
        2 => FiveDigits().IsMatch(name),
        3 => LeadingDigit().IsMatch(name),
        4 => NumberAndPair().IsMatch(name),
        5 => TwoTrailingDigits().IsMatch(name),
        6 => LineWord().IsMatch(name),
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, null),
    };

    // 1: two numbers in the lowest label, something else between them.
    [GeneratedRegex(@"^[^.]*[0-9][^0-9.]+[0-9].*\.", Options)]
    private static partial Regex TwoNumbers();

    // 2: five digits in a row in the lowest label.
    [GeneratedRegex(@"^[^.]*[0-9]{5}", Options)]
    private static partial Regex FiveDigits();

    // 3: below the top three labels, the lowest or second-lowest begins with a digit.
    [GeneratedRegex(@"^([^.]+\.)?[0-9][^.]*\.[^.]+\..+\.[a-z]", Options)]
    private static partial Regex LeadingDigit();

    // 4: the lowest label ends in a digit, and the second-lowest has two numbers with a hyphen between.
    [GeneratedRegex(@"^[^.]*[0-9]\.[^.]*[0-9]-[0-9]", Options)]
    private static partial Regex NumberAndPair();

    // 5: five labels or more, of which the lowest two end in a digit.
    [GeneratedRegex(@"^[^.]*[0-9]\.[^.]*[0-9]\.[^.]+\..+\.", Options)]
    private static partial Regex TwoTrailingDigits();

    // 6: a word for a dial-up or DSL line at the beginning, and a digit in the lowest label.
    [GeneratedRegex(@"^(dhcp|dialup|ppp|[achrsvx]?dsl)[^.]*[0-9]", Options)]
    private static partial Regex LineWord();

    private const RegexOptions Options = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;
}
