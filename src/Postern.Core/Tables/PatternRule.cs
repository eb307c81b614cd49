namespace Postern.Core.Tables;

/// <summary>What a line of a pcre or regexp table is.</summary>
internal enum PatternRuleKind
{
    /// <summary><c>/expression/flags result</c>.</summary>
    Result,

    /// <summary><c>if /expression/flags</c>.</summary>
    If,

    /// <summary><c>endif</c>.</summary>
    EndIf,
}

/// <summary>An expression of a rule.</summary>
/// <param name="IsNegated">Whether it stood behind an odd number of <c>!</c>.</param>
internal readonly record struct PatternTest(IPattern Pattern, bool IsNegated);

/// <summary>One line of a pcre or regexp table, understood.</summary>
/// <param name="LineNumber">The first physical line it came from.</param>
/// <param name="First">Null for an endif.</param>
/// <param name="Second">Null, or what has to hold besides; its groups are out of reach.</param>
/// <param name="Result">Null for if and endif.</param>
internal sealed record PatternRule(
    PatternRuleKind Kind, int LineNumber, PatternTest? First, PatternTest? Second, ReplacementText? Result)
{
    /// <summary>Whether a search may take time without bound.</summary>
    public bool MayTakeLong => First is { Pattern.MayTakeLong: true } || Second is { Pattern.MayTakeLong: true };

    /// <summary>Reads lines of one table, and words the warnings about them.</summary>
    internal sealed class Reader(IPatternDialect dialect, string argument, IWarningSink warnings)
    {
        private const string Skipping = ": skipping this rule";
        private int _lineNumber;

        private string Where => $"{dialect.TypeName} map {argument}, line {_lineNumber}: ";

        /// <param name="isConditional">Whether the line stands behind an <c>if</c> that has no <c>endif</c> yet.</param>
        /// <returns>Null when the line is skipped, which was said.</returns>
        public PatternRule? Read(ReadOnlySpan<char> line, int lineNumber, bool isConditional)
        {
            _lineNumber = lineNumber;
            line = ListText.TrimSpace(ListText.BeforeNul(line));
            if (line.IsEmpty)
                return null; // the line began with a NUL
            if (!char.IsAsciiLetterOrDigit(line[0]))
                return ReadRule(line, PatternRuleKind.Result);
            if (StartsWithWord(line, "if"))
                return ReadRule(line[2..], PatternRuleKind.If);
            if (!StartsWithWord(line, "endif"))
            {
                Warn("ignoring unrecognized request");
                return null;
            }

            if (!isConditional)
            {
                Warn("ignoring ENDIF without matching IF");
                return null;
            }

            if (line.Length > "endif".Length)
                Warn("ignoring extra text after ENDIF");
            return new PatternRule(PatternRuleKind.EndIf, _lineNumber, null, null, null);
        }

        /// <summary>Reads <c>!/expression/flags rest</c>.</summary>
        private PatternRule? ReadRule(ReadOnlySpan<char> rest, PatternRuleKind kind)
        {
            if (!TryReadExpression(ref rest, out var first))
                return null;
            Expression? second = null;
            if (dialect.AllowsSecondPattern && rest.StartsWith('!'))
            {
                if (!TryReadExpression(ref rest, out var narrowing))
                    return null;
                second = narrowing;
            }

            rest = rest.TrimStart(LogicalLines.WhiteSpace);
            ReplacementText? result = null;
            if (kind == PatternRuleKind.If)
                WarnOfExtraText(rest);
            else if ((result = ReadResult(rest, first.IsNegated)) is null)
                return null;

            if (Compile(first) is not { } firstTest)
                return null;
            if (result is not null && result.HighestGroup > firstTest.Pattern.GroupCount)
            {
                Warn($"out of range replacement index \"{(int)result.HighestGroup}\"{Skipping}");
                return null;
            }

            PatternTest? secondTest = null;
            if (second is { } other && (secondTest = Compile(other)) is null)
                return null;
            return new PatternRule(kind, _lineNumber, firstTest, secondTest, result);
        }

        private bool TryReadExpression(ref ReadOnlySpan<char> rest, out Expression expression)
        {
            expression = default;
            var isNegated = false;
            while (true)
            {
                rest = rest.TrimStart(LogicalLines.WhiteSpace);
                if (!rest.StartsWith('!'))
                    break;
                rest = rest[1..];
                isNegated = !isNegated;
            }

            if (rest.IsEmpty)
            {
                Warn("no regexp" + Skipping);
                return false;
            }

            var length = LengthOfExpression(rest);
            if (length < 0)
            {
                Warn($"no closing regexp delimiter \"{rest[0]}\": {dialect.UnclosedRemedy}");
                return false;
            }

            var text = rest.Slice(1, length).ToString();
            rest = rest[(length + 2)..];
            var options = dialect.Defaults;
            while (!rest.IsEmpty && !LogicalLines.IsSpace(rest[0]) && !(dialect.AllowsSecondPattern && rest[0] == '!'))
            {
                if (dialect.Toggle(rest[0]) is not { } option)
                {
                    Warn($"unknown regexp option \"{rest[0]}\"{Skipping}");
                    return false;
                }

                if (option == PatternOptions.None)
                    Warn($"ignoring obsolete regexp option \"{rest[0]}\"");
                options ^= option;
                rest = rest[1..];
            }

            expression = new Expression(text, options, isNegated);
            return true;
        }

        /// <returns>How much stands between the delimiters; -1: the second one is missing.</returns>
        private static int LengthOfExpression(ReadOnlySpan<char> text)
        {
            for (var i = 1; i < text.Length; i++)
            {
                if (text[i] == text[0])
                    return i - 1;
                if (text[i] == '\\')
                    i++; // the character behind it is not the delimiter; both stay in the expression
            }

            return -1;
        }

        private void WarnOfExtraText(ReadOnlySpan<char> rest)
        {
            if (rest.IsEmpty)
                return;
            Warn($"ignoring extra text after IF statement: \"{rest}\"");
            Warn("do not prepend whitespace to statements between IF and ENDIF");
        }

        private ReplacementText? ReadResult(ReadOnlySpan<char> text, bool isNegated)
        {
            if (text.IsEmpty)
                Warn("no replacement text: using empty string");
            var result = ReplacementText.Parse(text.ToString(), dialect.OutOfRange, out var problem);
            if (result is null)
            {
                // Postfix says of some of these mistakes where they are, and of others only what they are.
                if (problem!.IsAboutNumber)
                    Warn(problem.Text);
                else
                    warnings.Warn(problem.Text);
                Warn("bad replacement syntax" + Skipping);
                return null;
            }

            if (!isNegated || result.HighestGroup == 0)
                return result;
            Warn("$number found in negative match replacement text" + Skipping);
            return null;
        }

        private PatternTest? Compile(Expression expression)
        {
            if (dialect.Compile(expression.Text, expression.Options, out var problem) is { } pattern)
                return new PatternTest(pattern, expression.IsNegated);
            Warn(problem ?? "error in regex");
            return null;
        }

        private void Warn(string what) => warnings.Warn(Where + what);

        private static bool StartsWithWord(ReadOnlySpan<char> line, string word) =>
            line.StartsWith(word, StringComparison.OrdinalIgnoreCase)
            && (line.Length == word.Length || !char.IsAsciiLetterOrDigit(line[word.Length]));

        private readonly record struct Expression(string Text, PatternOptions Options, bool IsNegated);
    }
}
