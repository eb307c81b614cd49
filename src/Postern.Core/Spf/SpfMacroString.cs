using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Postern.Core.Spf;

/// <summary>
/// A macro string (RFC 7208 §7): literal text and macros such as <c>%{ir}</c>, <c>%{l1r-}</c> or <c>%%</c>.
/// </summary>
public sealed class SpfMacroString
{
    private readonly record struct Part(string Literal, char Letter, int Kept, bool IsReversed, string Delimiters, bool IsEscaped)
    {
        public bool IsMacro => Letter != 0;
    }

    private readonly Part[] _parts;

    private SpfMacroString(Part[] parts) => _parts = parts;

    /// <summary>Whether it contains the macro: a lower-case letter.</summary>
    public bool Uses(char letter) => _parts.Any(part => part.Letter == letter);

    /// <summary>Whether it is the same for every client: no macro but <c>%{d}</c> and <c>%{o}</c>.</summary>
    public bool IsStatic => _parts.All(static part => part.Letter is '\0' or 'd' or 'o');

    /// <summary>Reads a macro string.</summary>
    /// <param name="text">Characters as in the record.</param>
    /// <param name="isExplanation">Whether blanks and the letters c, r and t may occur (RFC 7208 §7.2).</param>
    public static bool TryParse(ReadOnlySpan<char> text, bool isExplanation, [NotNullWhen(true)] out SpfMacroString? macroString)
    {
        macroString = null;
        List<Part> parts = [];
        var literal = new StringBuilder();
        while (!text.IsEmpty)
        {
            if (text[0] != '%')
            {
                if (text[0] is < '!' or > '~' && !(isExplanation && text[0] == ' '))
                    return false;
                literal.Append(text[0]);
                text = text[1..];
                continue;
            }

            if (text.Length < 2)
                return false;
            var escape = text[1] switch { '%' => "%", '_' => " ", '-' => "%20", _ => null };
            if (escape is not null)
            {
                literal.Append(escape);
                text = text[2..];
                continue;
            }

            var end = text.IndexOf('}');
            if (text[1] != '{' || end < 0 || !TryParseMacro(text[2..end], isExplanation, out var macro))
                return false;
            if (literal.Length > 0)
                parts.Add(new Part(literal.ToString(), '\0', 0, false, "", false));
            literal.Clear();
            parts.Add(macro);
            text = text[(end + 1)..];
        }

        if (literal.Length > 0)
            parts.Add(new Part(literal.ToString(), '\0', 0, false, "", false));
        macroString = new SpfMacroString([.. parts]);
        return true;
    }

    /// <summary>Reads a domain-spec (RFC 7208 §7.1): a macro string that ends in a macro or in a top-level label.</summary>
    public static bool TryParseDomain(ReadOnlySpan<char> text, [NotNullWhen(true)] out SpfMacroString? domain) =>
        TryParse(text, isExplanation: false, out domain) && (text.EndsWith('}') ? domain._parts[^1].IsMacro : EndsInTopLabel(text));

    // domain-end = "." toplabel [ "." ]: letters, digits and inner hyphens, not digits alone
    private static bool EndsInTopLabel(ReadOnlySpan<char> text)
    {
        if (text.EndsWith('.'))
            text = text[..^1];
        var dot = text.LastIndexOf('.');
        var label = dot < 0 ? [] : text[(dot + 1)..];
        if (label.IsEmpty || label[0] == '-' || label[^1] == '-' || !label.ContainsAnyExceptInRange('0', '9'))
            return false;
        foreach (var symbol in label)
        {
            if (!char.IsAsciiLetterOrDigit(symbol) && symbol != '-')
                return false;
        }

        return true;
    }

    // macro-letter *DIGIT ["r"] *delimiter
    private static bool TryParseMacro(ReadOnlySpan<char> body, bool isExplanation, out Part macro)
    {
        macro = default;
        if (body.IsEmpty)
            return false;
        var letter = char.ToLowerInvariant(body[0]);
        if (!"slodipvh".Contains(letter) && !(isExplanation && "crt".Contains(letter)))
            return false;
        var rest = body[1..];
        var digits = 0;
        while (digits < rest.Length && char.IsAsciiDigit(rest[digits]))
            digits++;
        var kept = 0;
        if (digits > 0 && (!int.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out kept) || kept == 0))
            return false;
        rest = rest[digits..];
        var isReversed = rest.StartsWith("r", StringComparison.OrdinalIgnoreCase);
        if (isReversed)
            rest = rest[1..];
        if (rest.ContainsAnyExcept(".-+,/_="))
            return false;
        macro = new Part("", letter, kept, isReversed, rest.IsEmpty ? "." : rest.ToString(), char.IsAsciiLetterUpper(body[0]));
        return true;
    }

    /// <summary>The text with all macros replaced.</summary>
    /// <param name="value">The value of a lower-case macro letter.</param>
    public string Expand(Func<char, string> value)
    {
        var text = new StringBuilder();
        foreach (var part in _parts)
        {
            if (!part.IsMacro)
            {
                text.Append(part.Literal);
                continue;
            }

            var pieces = value(part.Letter).Split([.. part.Delimiters]);
            if (part.IsReversed)
                Array.Reverse(pieces);
            if (part.Kept > 0 && part.Kept < pieces.Length)
                pieces = pieces[^part.Kept..];
            var expanded = string.Join('.', pieces);
            text.Append(part.IsEscaped ? Uri.EscapeDataString(expanded) : expanded);
        }

        return text.ToString();
    }
}
