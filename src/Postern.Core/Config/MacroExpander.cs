using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Postern.Core.Config;

/// <summary>
/// Replaces <c>$name</c>, <c>${name?text}</c>, <c>${name?{a}:{b}}</c> and <c>${{a} == {b} ? {c} : {d}}</c> as
/// Postfix does. What it writes and how long it works are bounded, since values may refer to each other.
/// </summary>
/// <param name="lookup">The unexpanded value of a name; null when it is not defined.</param>
/// <param name="comparisons">
/// Comparisons by operator suffix, as in <c>&lt;level</c>; each gives the sign of the difference, or null with the
/// warning it deserves.
/// </param>
/// <param name="functions">
/// What <c>${name{argument}}</c> may call, null being the answer to a bad argument; null: that form is a syntax error.
/// </param>
/// <param name="isRecursive">Whether a name's value is expanded in turn.</param>
public sealed class MacroExpander(
    Func<string, string?> lookup,
    IReadOnlyDictionary<string, MacroExpander.Comparison>? comparisons = null,
    IReadOnlyDictionary<string, Func<string, string?>>? functions = null,
    bool isRecursive = true)
{
    /// <summary>How deep names and operands may be nested.</summary>
    public const int DeepestNesting = 100;

    /// <summary>How long an expansion may become, in bytes.</summary>
    public const int LongestResult = 1 << 20;

    private const int MostWork = 1 << 22; // characters looked at: "$a$a" may double the work without any output
    private const int LongestRest = 20;

    /// <summary>Compares two operands.</summary>
    /// <param name="warning">Why they cannot be compared.</param>
    public delegate int? Comparison(string left, string right, out string? warning);

    /// <summary>The name whose value could not be expanded; null: the text itself, or no error yet.</summary>
    public string? FailedName { get; private set; }

    /// <summary>Whether the last expansion met a name that is not defined; that is not an error.</summary>
    public bool UsedUndefinedName { get; private set; }

    private readonly StringBuilder _output = new();
    private string? _error;
    private string? _currentName;
    private int _work;

    /// <summary>Expands a text.</summary>
    /// <param name="result">On failure, what was produced so far.</param>
    /// <param name="error">Postfix's warning: <c>truncated macro reference: "$(name"</c>.</param>
    public bool TryExpand(string text, out string result, [NotNullWhen(false)] out string? error)
    {
        _output.Clear();
        (_error, _currentName, _work, FailedName, UsedUndefinedName) = (null, null, 0, null, false);
        Expand(text, _output, depth: 0);
        (result, error) = (_output.ToString(), _error);
        return error is null;
    }

    private bool Fail(string error)
    {
        if (_error is null)
            (_error, FailedName) = (error, _currentName);
        return false;
    }

    private bool Expand(ReadOnlySpan<char> text, StringBuilder output, int depth)
    {
        _work += text.Length + 1;
        if (_work > MostWork)
            return Fail($"unreasonable macro expansion: more than {MostWork} bytes to look at");

        var rest = text;
        while (!rest.IsEmpty)
        {
            var dollar = rest.IndexOf('$');
            if (!Write(dollar < 0 ? rest : rest[..dollar], output))
                return false;
            if (dollar < 0)
                return true;
            rest = rest[(dollar + 1)..];
            if (rest.IsEmpty)
                return Fail($"empty macro name: \"{text}\"");

            if (rest[0] == '$')
            {
                if (!Write("$", output))
                    return false;
                rest = rest[1..];
            }
            else if (rest[0] is '{' or '(')
            {
                var close = BracedText.FindClose(rest, rest[0], rest[0] == '{' ? '}' : ')');
                if (close < 0)
                    return Fail($"truncated macro reference: \"{text}\"");
                if (close == 1)
                    return Fail($"empty macro name: \"{text}\"");
                if (!ExpandExpression(rest[1..close], output, depth))
                    return false;
                rest = rest[(close + 1)..];
            }
            else
            {
                var end = EndOfName(rest);
                if (end == 0)
                    return Fail($"empty macro name: \"{text}\"");
                if (!ExpandName(rest[..end].ToString(), output, depth))
                    return false;
                rest = rest[end..];
            }
        }

        return true;
    }

    private bool Write(ReadOnlySpan<char> text, StringBuilder output)
    {
        if (output.Length + text.Length > LongestResult)
            return Fail($"unreasonable macro expansion: more than {LongestResult} bytes");
        output.Append(text);
        return true;
    }

    private bool ExpandName(string name, StringBuilder output, int depth)
    {
        if (lookup(name) is not { } value)
        {
            UsedUndefinedName = true;
            return true;
        }

        if (!isRecursive)
            return Write(value, output);
        if (depth >= DeepestNesting)
            return Fail($"unreasonable macro call nesting: \"{name}\"");
        var outer = _currentName;
        _currentName = name;
        var succeeded = Expand(value, output, depth + 1);
        _currentName = outer;
        return succeeded;
    }

    // The text between the brackets of ${...}.
    private bool ExpandExpression(ReadOnlySpan<char> text, StringBuilder output, int depth)
    {
        var rest = text.TrimStart(LogicalLines.WhiteSpace);
        if (!rest.IsEmpty && rest[0] == '{')
            return ExpandComparison(rest, output, depth);

        var end = EndOfName(rest);
        var name = rest[..end];
        var afterName = rest[end..];
        rest = afterName.TrimStart(LogicalLines.WhiteSpace);
        if (rest.IsEmpty)
            return ExpandName(name.ToString(), output, depth);
        if (!name.IsEmpty && rest[0] is '?' or ':')
            return ExpandChoice(!string.IsNullOrEmpty(lookup(name.ToString())), rest, output, depth);
        if (!name.IsEmpty && rest[0] == '{' && functions is not null)
            return CallFunction(name, rest, output, depth);
        return Fail($"attribute name syntax error at: \"...{text[..^afterName.Length]}>>>{Cut(afterName)}\"");
    }

    // {left} op {right}, then nothing or a choice.
    private bool ExpandComparison(ReadOnlySpan<char> text, StringBuilder output, int depth)
    {
        if (!TryTakeBraced(text, out var left, out var rest))
            return false;
        var operatorLength = rest switch
        {
            ['=' or '!' or '<' or '>', '=', ..] => 2,
            ['<' or '>', ..] => 1,
            _ => 0,
        };
        if (operatorLength == 0)
            return Fail(
                "\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: "
                + $"\"...{left}}}>>>{Cut(rest)}\"");
        var comparison = rest[..operatorLength];
        rest = rest[operatorLength..];

        var suffixEnd = 0;
        while (suffixEnd < rest.Length && char.IsAsciiLetterOrDigit(rest[suffixEnd]))
            suffixEnd++;
        Comparison? compare = CompareNumbersOrText;
        if (suffixEnd > 0)
        {
            var suffix = rest[..suffixEnd];
            if (comparisons is null || !comparisons.TryGetValue(suffix.ToString(), out compare))
                return Fail($"bad operator suffix at: \"...{comparison}>>>{Cut(suffix)}\"");
            rest = rest[suffixEnd..];
        }

        var afterOperator = rest;
        rest = rest.TrimStart(LogicalLines.WhiteSpace);
        if (rest.IsEmpty || rest[0] != '{')
            return Fail($"\"{{expression}}\" expected at: \"...{{{left}}} {comparison}>>>{Cut(afterOperator)}\"");
        if (!TryTakeBraced(rest, out var right, out rest))
            return false;
        if (!rest.IsEmpty && rest[0] is not ('?' or ':'))
            return Fail($"\"?\" or \":\" expected at: \"...}}>>>{Cut(rest)}\"");

        if (!TryExpandOperand(left, depth, out var leftText) || !TryExpandOperand(right, depth, out var rightText))
            return false;
        if (compare(leftText, rightText, out var warning) is not { } sign)
            return Fail(warning ?? "operands that cannot be compared");
        var holds = comparison switch
        {
            "==" => sign == 0,
            "!=" => sign != 0,
            "<" => sign < 0,
            "<=" => sign <= 0,
            ">" => sign > 0,
            _ => sign >= 0,
        };
        return rest.IsEmpty ? !holds || Write("true", output) : ExpandChoice(holds, rest, output, depth);
    }

    // ?text  :text  ?{a}  :{b}  ?{a}:{b}  ?{a}:b. The operand that is not chosen is not expanded.
    private bool ExpandChoice(bool holds, ReadOnlySpan<char> text, StringBuilder output, int depth)
    {
        ReadOnlySpan<char> whenTrue = [];
        ReadOnlySpan<char> whenFalse = [];
        string? problem = null;
        var rest = text;
        if (rest[0] == '?')
        {
            var operand = rest[1..].TrimStart(LogicalLines.WhiteSpace);
            if (operand.IsEmpty || operand[0] != '{')
            {
                whenTrue = rest[1..];
                rest = [];
            }
            else if (!TryTakeBraced(operand, out whenTrue, out rest))
                return false;
            if (!rest.IsEmpty && rest[0] != ':')
                problem = $"\":\" expected at: \"...{whenTrue}}}>>>{Cut(rest)}\"";
        }

        if (!rest.IsEmpty && problem is null)
        {
            var operand = rest[1..].TrimStart(LogicalLines.WhiteSpace);
            if (operand.IsEmpty || operand[0] != '{')
                whenFalse = rest[1..];
            else if (!TryTakeBraced(operand, out whenFalse, out rest))
                return false;
            else if (!rest.IsEmpty)
                problem = $"unexpected input at: \"...{whenFalse}}}>>>{Cut(rest)}\"";
        }

        if (depth >= DeepestNesting)
            return Fail($"unreasonable macro call nesting: \"{Cut(text)}\"");
        return Expand(holds ? whenTrue : whenFalse, output, depth + 1) && (problem is null || Fail(problem));
    }

    private bool CallFunction(ReadOnlySpan<char> name, ReadOnlySpan<char> text, StringBuilder output, int depth)
    {
        if (!TryTakeBraced(text, out var argument, out var rest))
            return false;
        argument = argument.Trim(LogicalLines.WhiteSpace);
        if (!rest.IsEmpty)
            return Fail($"unexpected input at: \"...{argument}}}>>>{Cut(rest)}\"");
        if (!functions!.TryGetValue(name.ToString(), out var function))
            return Fail($"unknown function \"{name}\" at\"...>>>{name}{{{argument}}}\"");
        if (!TryExpandOperand(argument, depth, out var value))
            return false;
        return function(value) is { } result ? Write(result, output) : Fail($"bad domain argument in: '{name}{{{value}}}'");
    }

    private bool TryExpandOperand(ReadOnlySpan<char> text, int depth, out string value)
    {
        value = "";
        if (depth >= DeepestNesting)
            return Fail($"unreasonable macro call nesting: \"{Cut(text)}\"");
        var output = new StringBuilder();
        var succeeded = Expand(text, output, depth + 1);
        value = output.ToString();
        return succeeded;
    }

    // White space after the closing brace is skipped.
    private bool TryTakeBraced(ReadOnlySpan<char> text, out ReadOnlySpan<char> inner, out ReadOnlySpan<char> rest)
    {
        inner = rest = default;
        var close = BracedText.FindClose(text);
        if (close < 0)
            return Fail($"unbalanced {{}} in attribute expression: \"{text}\"");
        inner = text[1..close];
        rest = text[(close + 1)..].TrimStart(LogicalLines.WhiteSpace);
        return true;
    }

    private static int? CompareNumbersOrText(string left, string right, out string? warning)
    {
        warning = null;
        if (!IsNumber(left) || !IsNumber(right))
            return string.CompareOrdinal(left, right);
        foreach (var operand in (ReadOnlySpan<string>)[left, right])
        {
            if (!long.TryParse(operand, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                warning = $"mac_exp_eval: bad conversion: {operand}";
                return null;
            }
        }

        return long.Parse(left, CultureInfo.InvariantCulture).CompareTo(long.Parse(right, CultureInfo.InvariantCulture));
    }

    private static bool IsNumber(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('0', '9');

    private static int EndOfName(ReadOnlySpan<char> text)
    {
        var end = 0;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
            end++;
        return end;
    }

    private static ReadOnlySpan<char> Cut(ReadOnlySpan<char> text) => text.Length > LongestRest ? text[..LongestRest] : text;
}
