using System.Globalization;
using System.Text;

namespace Postern.Core.Tables;

/// <summary>
/// The result of a pcre or regexp rule: text in which <c>$1</c>, <c>${1}</c> and <c>$(1)</c> stand for a group of the
/// expression, and <c>$$</c> for a dollar sign.
/// </summary>
internal sealed class ReplacementText
{
    private readonly List<Piece> _pieces = [];
    private string? _plain; // when there is nothing to insert, each look-up gives the same text

    private ReplacementText()
    {
    }

    /// <summary>The highest group that is asked for; 0: none.</summary>
    public uint HighestGroup { get; private set; }

    /// <summary>Where the text of groups goes.</summary>
    /// <param name="outOfRange">What is said of <c>$0</c>.</param>
    /// <returns>Null with a problem.</returns>
    public static ReplacementText? Parse(string text, string outOfRange, out ReplacementProblem? problem)
    {
        var result = new ReplacementText();
        var literal = new StringBuilder();
        problem = null;
        for (var i = 0; i < text.Length && problem is null;)
        {
            if (text[i] != '$')
            {
                literal.Append(text[i++]);
            }
            else if (i + 1 < text.Length && text[i + 1] == '$')
            {
                literal.Append('$');
                i += 2;
            }
            else
            {
                i = TakeName(text, i + 1, out var name, out problem);
                problem ??= result.AddGroup(name, literal, outOfRange);
            }
        }

        if (problem is not null)
            return null;
        result.AddLiteral(literal);
        if (result.HighestGroup == 0)
            result._plain = string.Concat(result._pieces.Select(static piece => piece.Literal));
        return result;
    }

    /// <summary>Puts the groups in.</summary>
    /// <param name="key">What the expression matched.</param>
    /// <param name="ends">The groups from 1 on, as <see cref="IPattern.IsMatch"/> gives them.</param>
    public string Expand(string key, ReadOnlySpan<int> ends)
    {
        if (_plain is not null)
            return _plain;
        var text = new StringBuilder();
        foreach (var (literal, group) in _pieces)
        {
            if (literal is not null)
                text.Append(literal);
            else if (ends[(2 * (int)group) - 2] is >= 0 and var start)
                text.Append(key, start, ends[(2 * (int)group) - 1] - start);
        }

        return text.ToString();
    }

    /// <summary>What is left when no group took part.</summary>
    public string ExpandWithoutGroups() => string.Concat(_pieces.Select(static piece => piece.Literal));

    /// <param name="at">Behind the dollar sign.</param>
    /// <returns>Where the text goes on.</returns>
    private static int TakeName(string text, int at, out string name, out ReplacementProblem? problem)
    {
        (name, problem) = ("", null);
        var end = at;
        if (at < text.Length && text[at] is '{' or '(')
        {
            var (open, close) = text[at] == '{' ? ('{', '}') : ('(', ')');
            var depth = 1;
            for (end = at + 1; end < text.Length && depth > 0; end++)
                depth += text[end] == open ? 1 : text[end] == close ? -1 : 0;
            if (depth > 0)
            {
                problem = new ReplacementProblem($"truncated macro reference: \"{text}\"", IsAboutNumber: false);
                return end;
            }

            name = text[(at + 1)..(end - 1)];
        }
        else
        {
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
                end++;
            name = text[at..end];
        }

        if (name.Length == 0)
            problem = new ReplacementProblem($"empty macro name: \"{text}\"", IsAboutNumber: false);
        return end;
    }

    private ReplacementProblem? AddGroup(string name, StringBuilder literal, string outOfRange)
    {
        if (name.AsSpan().ContainsAnyExceptInRange('0', '9'))
            return new ReplacementProblem($"non-numeric replacement index \"{name}\"", IsAboutNumber: true);

        // As C's atoi does it: of a number too large for 32 bits the low ones count. That it is too large shows later.
        var group = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? unchecked((uint)value) : uint.MaxValue;
        if (group == 0)
            return new ReplacementProblem($"{outOfRange} replacement index \"{name}\"", IsAboutNumber: true);
        AddLiteral(literal);
        _pieces.Add(new Piece(null, group));
        HighestGroup = Math.Max(HighestGroup, group);
        return null;
    }

    private void AddLiteral(StringBuilder literal)
    {
        if (literal.Length > 0)
            _pieces.Add(new Piece(literal.ToString(), 0));
        literal.Clear();
    }

    private readonly record struct Piece(string? Literal, uint Group);
}

/// <summary>What is wrong with a replacement text.</summary>
/// <param name="IsAboutNumber">Whether Postfix names table and line with it.</param>
internal sealed record ReplacementProblem(string Text, bool IsAboutNumber);
