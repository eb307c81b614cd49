namespace Postern.Core.Tables;

/// <summary>What a POSIX expression costs who searches with it, told from its text (regex(7)).</summary>
public static class PosixExpression
{
    private const long Many = 1L << 40; // as good as endless, and far from an overflow

    /// <summary>
    /// Looks at an expression. A back reference (<c>\1</c>) may take time that doubles with each byte of the text. A repetition with
    /// a count (<c>a{1,50}</c>) is written out before it is searched for, so that such counts in one another take memory.
    /// </summary>
    /// <param name="expression">Without delimiters.</param>
    /// <param name="isExtended">The extended syntax, in which parentheses and braces have no backslash.</param>
    /// <param name="hasBackReference">Whether the time of a search has no bound.</param>
    /// <returns>How many characters it has when all counted repetitions are written out, roughly.</returns>
    public static long Measure(ReadOnlySpan<char> expression, bool isExtended, out bool hasBackReference)
    {
        hasBackReference = false;
        var outer = new Stack<long>(); // the sizes of what stands before the groups that are open
        long size = 0, last = 0; // of the group in hand, and of the last thing in it
        for (var i = 0; i < expression.Length; i++)
        {
            var isEscaped = expression[i] == '\\' && i + 1 < expression.Length;
            if (isEscaped)
                i++;
            var one = expression[i];
            var isSpecial = isEscaped != isExtended;
            if (isEscaped && one is >= '1' and <= '9')
            {
                hasBackReference = true;
            }
            else if (one == '(' && isSpecial)
            {
                outer.Push(size);
                (size, last) = (0, 0);
                continue;
            }
            else if (one == ')' && isSpecial && outer.TryPop(out var before))
            {
                (size, last) = (before + size, size);
                continue;
            }
            else if (one == '{' && isSpecial && TryReadCount(expression[(i + 1)..], out var count, out var length))
            {
                i += length;
                size -= last;
                last = Math.Min(Many, last * Math.Min(Many / Math.Max(1, last), count));
                size = Math.Min(Many, size + last);
                continue;
            }
            else if (one == '[' && !isEscaped)
            {
                i = EndOfBracket(expression, i);
            }
            else if (!isEscaped && one is '*' or '+' or '?')
            {
                continue;
            }

            (size, last) = (size + 1, 1);
        }

        while (outer.TryPop(out var before))
            size += before;
        return size;
    }

    /// <summary>Reads <c>2}</c>, <c>2,}</c> or <c>2,5}</c>; in the basic syntax with a backslash before the brace.</summary>
    private static bool TryReadCount(ReadOnlySpan<char> text, out long count, out int length)
    {
        long number = 0;
        (count, length) = (0, 0);
        foreach (var one in text)
        {
            length++;
            if (char.IsAsciiDigit(one))
                number = Math.Min(Many, (number * 10) + one - '0');
            else if (one is ',')
                (count, number) = (Math.Max(count, number + 1), 0);
            else if (one is not '\\')
                break;
        }

        count = Math.Max(1, Math.Max(count, number));
        return length > 1;
    }

    private static int EndOfBracket(ReadOnlySpan<char> expression, int start)
    {
        var i = start + 1;
        if (i < expression.Length && expression[i] == '^')
            i++;
        if (i < expression.Length && expression[i] == ']')
            i++; // the first one is a character
        for (; i < expression.Length && expression[i] != ']'; i++)
        {
            if (expression[i] == '[' && i + 1 < expression.Length && expression[i + 1] is ':' or '.' or '=')
            {
                var close = expression[(i + 2)..].IndexOf([expression[i + 1], ']']);
                i += close < 0 ? 1 : close + 3;
            }
        }

        return Math.Min(i, expression.Length - 1);
    }
}
