using System.Globalization;

namespace Postern.Core.Config;

/// <summary>A <c>compatibility_level</c>: <c>major[.minor[.patch]]</c>, compared number by number.</summary>
public readonly record struct CompatibilityLevel(long Major, int Minor, int Patch) : IComparable<CompatibilityLevel>
{
    private const int LargestPart = 1023;

    /// <summary>The comparison that <c>${{$compatibility_level} &lt;level {3.6} ...}</c> asks for.</summary>
    public static readonly IReadOnlyDictionary<string, MacroExpander.Comparison> Comparisons =
        new Dictionary<string, MacroExpander.Comparison>(StringComparer.Ordinal) { ["level"] = Compare };

    /// <summary>Missing parts are 0; white space and a sign may stand before the major number.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out CompatibilityLevel level)
    {
        level = default;
        Span<long> numbers = stackalloc long[3];
        numbers.Clear();
        var rest = text;
        for (var part = 0; ; part++)
        {
            var dot = rest.IndexOf('.');
            var digits = dot < 0 ? rest : rest[..dot];
            var style = part == 0 ? NumberStyles.AllowLeadingWhite | NumberStyles.AllowLeadingSign : NumberStyles.None;
            if (part == 3 || !long.TryParse(digits, style, CultureInfo.InvariantCulture, out numbers[part]))
                return false;
            if (numbers[part] < 0 || numbers[part] > (part == 0 ? int.MaxValue : LargestPart))
                return false;
            if (dot < 0)
                break;
            rest = rest[(dot + 1)..];
        }

        level = new CompatibilityLevel(numbers[0], (int)numbers[1], (int)numbers[2]);
        return true;
    }

    /// <summary>Postfix's words for a text that is no level.</summary>
    public static string Malformed(string text) => $"malformed compatibility level syntax: \"{text}\"";

    private static int? Compare(string left, string right, out string? warning)
    {
        warning = null;
        if (TryParse(left, out var leftLevel) && TryParse(right, out var rightLevel))
            return leftLevel.CompareTo(rightLevel);
        warning = Malformed(TryParse(left, out _) ? right : left);
        return null;
    }

    /// <inheritdoc />
    public int CompareTo(CompatibilityLevel other) =>
        (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <summary>Whether the left level is the older one.</summary>
    public static bool operator <(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left level is not the newer one.</summary>
    public static bool operator <=(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left level is the newer one.</summary>
    public static bool operator >(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left level is not the older one.</summary>
    public static bool operator >=(CompatibilityLevel left, CompatibilityLevel right) => left.CompareTo(right) >= 0;
}
