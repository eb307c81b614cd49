namespace Postern.Core.Tables;

/// <summary>
/// What <c>pcre:</c> and <c>regexp:</c> differ in: the library that understands the expressions, and some words. The form
/// of the rules around the expressions is <see cref="PatternTable"/>'s.
/// </summary>
public interface IPatternDialect
{
    /// <summary><c>pcre</c> or <c>regexp</c>.</summary>
    string TypeName { get; }

    /// <summary>What holds for an expression without flags.</summary>
    PatternOptions Defaults { get; }

    /// <summary>Whether a second expression may follow the first one at once, to narrow the rule.</summary>
    bool AllowsSecondPattern { get; }

    /// <summary>How a warning about an expression without end ends.</summary>
    string UnclosedRemedy { get; }

    /// <summary>What is said of <c>$0</c>.</summary>
    string OutOfRange { get; }

    /// <summary>What a flag letter toggles; null: there is no such flag, 0: it is obsolete and does nothing.</summary>
    PatternOptions? Toggle(char flag);

    /// <param name="expression">Latin-1 characters standing for bytes, without delimiters.</param>
    /// <param name="problem">On failure, the library's words.</param>
    IPattern? Compile(string expression, PatternOptions options, out string? problem);
}

/// <summary>A compiled expression.</summary>
public interface IPattern
{
    /// <summary>The number of the expression's groups.</summary>
    int GroupCount { get; }

    /// <summary>Whether a search may take time without bound.</summary>
    bool MayTakeLong { get; }

    /// <summary>Searches a text.</summary>
    /// <param name="subject">The text; it has no NUL, and one follows it in memory.</param>
    /// <param name="ends">
    /// Takes where the groups 1 and up begin and end: two offsets for each, both -1 for one that took no part.
    /// </param>
    /// <param name="problem">Why there is no answer, which counts as no match; else null.</param>
    bool IsMatch(ReadOnlySpan<byte> subject, Span<int> ends, out string? problem);
}

/// <summary>The options that flags of a rule toggle.</summary>
[Flags]
public enum PatternOptions
{
    /// <summary>No option.</summary>
    None = 0,

    /// <summary>Letter case does not matter (<c>i</c>).</summary>
    IgnoreCase = 1,

    /// <summary><c>^</c> and <c>$</c> match at each line (<c>m</c>).</summary>
    MultiLine = 2,

    /// <summary>The dot matches a newline too (<c>s</c>).</summary>
    DotAll = 4,

    /// <summary>pcre: blanks and comments; regexp: the extended syntax (<c>x</c>).</summary>
    Extended = 8,

    /// <summary>A match begins where the text begins (<c>A</c>).</summary>
    Anchored = 16,

    /// <summary><c>$</c> matches at the very end only (<c>E</c>).</summary>
    DollarEndOnly = 32,

    /// <summary>Repetitions are short (<c>U</c>).</summary>
    Ungreedy = 64,
}
