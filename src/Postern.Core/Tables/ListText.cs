using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Tables;

/// <summary>The small grammar that all of Postfix's list parameters share: separators, braces, ASCII case.</summary>
public static class ListText
{
    /// <summary>What stands between the elements of a list.</summary>
    public const string Separators = ", \t\r\n";

    /// <summary>
    /// Takes the next element off the front of <paramref name="rest"/>. Text in balanced braces is not split; an opening
    /// brace without its partner swallows the rest, a closing one without is an ordinary character.
    /// </summary>
    /// <param name="rest">What follows the element and the one separator after it.</param>
    /// <param name="token">The element; never empty when the result is true.</param>
    public static bool TryTakeToken(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> token)
    {
        var start = rest.IndexOfAnyExcept(Separators);
        if (start < 0)
        {
            rest = [];
            token = [];
            return false;
        }

        rest = rest[start..];
        var end = 0;
        for (var depth = 0; end < rest.Length; end++)
        {
            var character = rest[end];
            if (character == '{')
                depth++;
            else if (character == '}' && depth > 0)
                depth--;
            else if (depth == 0 && Separators.Contains(character))
                break;
        }

        token = rest[..end];
        rest = end < rest.Length ? rest[(end + 1)..] : [];
        return true;
    }

    /// <summary>Takes off the braces around a text and the white space inside them.</summary>
    /// <param name="text">Begins with <c>{</c>.</param>
    /// <param name="problem">On failure, Postfix's words: <c>missing '}' in "{x"</c>.</param>
    public static bool TryStripBraces(
        ReadOnlySpan<char> text, out ReadOnlySpan<char> inner, [NotNullWhen(false)] out string? problem)
    {
        inner = [];
        problem = null;
        var length = BalancedLength(text);
        if (length == 0)
            problem = $"missing '}}' in \"{text}\"";
        else if (length < text.Length)
            problem = $"syntax error after '}}' in \"{text}\"";
        else
            inner = TrimSpace(text[1..^1]);
        return problem is null;
    }

    /// <summary>How much of the text its leading brace and the brace's partner span; 0 when there is no such pair.</summary>
    public static int BalancedLength(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[0] != '{')
            return 0;
        var depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '{')
                depth++;
            else if (text[i] == '}' && --depth == 0)
                return i + 1;
        }

        return 0;
    }

    /// <summary>Without the ASCII white space at both ends.</summary>
    public static ReadOnlySpan<char> TrimSpace(ReadOnlySpan<char> text) => text.Trim(LogicalLines.WhiteSpace);

    /// <summary>What stands before the first NUL: Postfix's tables take a line for a C string.</summary>
    public static ReadOnlySpan<char> BeforeNul(ReadOnlySpan<char> text)
    {
        var nul = text.IndexOf('\0');
        return nul < 0 ? text : text[..nul];
    }

    /// <inheritdoc cref="BeforeNul(ReadOnlySpan{char})" />
    public static ReadOnlySpan<byte> BeforeNul(ReadOnlySpan<byte> text)
    {
        var nul = text.IndexOf((byte)0);
        return nul < 0 ? text : text[..nul];
    }

    /// <summary>
    /// ASCII letters in lower case, all else untouched: <c>ToLowerInvariant</c> would change the bytes of UTF-8 text.
    /// </summary>
    public static string FoldCase(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('A', 'Z'))
            return text;
        return string.Create(text.Length, text, static (folded, source) =>
        {
            for (var i = 0; i < source.Length; i++)
                folded[i] = char.IsAsciiLetterUpper(source[i]) ? (char)(source[i] | 0x20) : source[i];
        });
    }
}
