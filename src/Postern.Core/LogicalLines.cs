using System.Text;

namespace Postern.Core;

/// <summary>
/// A line of main.cf, master.cf or a text table after joining: a physical line that starts with white space continues
/// the one before it, and empty lines and comments between the two are dropped.
/// </summary>
/// <param name="Text">Without the newlines; white space before a continuation is kept, and so are NUL bytes.</param>
/// <param name="LineNumber">The first physical line that is part of it, from 1: the number for messages.</param>
/// <param name="LastLineNumber">The last physical line read for it, dropped lines included.</param>
public readonly record struct LogicalLine(string Text, int LineNumber, int LastLineNumber)
{
    /// <summary>Where each continuation begins in <see cref="Text"/>, and its line number; null: there is none.</summary>
    internal List<(int Offset, int LineNumber)>? Continuations { get; init; }

    /// <summary>The physical line that a character of the text stands in.</summary>
    /// <param name="offset">Its index.</param>
    public int LineAt(int offset)
    {
        var number = LineNumber;
        foreach (var (start, line) in Continuations ?? [])
        {
            if (start <= offset)
                number = line;
        }

        return number;
    }

    /// <inheritdoc />
    public bool Equals(LogicalLine other) => // where it was broken is layout
        Text == other.Text && LineNumber == other.LineNumber && LastLineNumber == other.LastLineNumber;

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Text, LineNumber);
}

/// <summary>Reads logical lines, as all of Postfix's text files have them.</summary>
public static class LogicalLines
{
    /// <summary>White space is what C's <c>isspace</c> says of ASCII.</summary>
    public const string WhiteSpace = " \t\n\v\f\r";

    /// <summary>How the warning about a byte order mark ends.</summary>
    public const string ByteOrderMark = "the file begins with a byte order mark, which is part of its first word";

    private const int LongestQuote = 30;

    /// <summary>Whether the character is ASCII white space.</summary>
    public static bool IsSpace(char character) => character is ' ' or (>= '\t' and <= '\r');

    /// <summary>Reads one after the other; nothing is kept beyond the line at hand.</summary>
    /// <param name="text">The whole file, each character standing for one byte.</param>
    /// <param name="fileName">How warnings name the file.</param>
    /// <param name="warnings">Told of dropped lines and of NUL bytes.</param>
    public static IEnumerable<LogicalLine> Read(string text, string fileName, IWarningSink warnings)
    {
        if (text.StartsWith("\xef\xbb\xbf", StringComparison.Ordinal))
            warnings.Warn($"{fileName}, line 1: {ByteOrderMark}");
        var position = 0;
        var lineNumber = 0;
        while (position < text.Length)
        {
            string? line = null;
            StringBuilder? joined = null;
            List<(int, int)>? continuations = null;
            var firstLine = 0;
            var hasNul = false;
            while (position < text.Length)
            {
                var newline = text.IndexOf('\n', position);
                var end = newline < 0 ? text.Length : newline;
                var physical = text.AsSpan(position, end - position);
                position = newline < 0 ? text.Length : newline + 1;
                lineNumber++;
                hasNul |= physical.Contains('\0');

                var content = physical.IndexOfAnyExcept(WhiteSpace);
                if (content >= 0 && physical[content] != '#')
                {
                    if (line is null)
                        (line, firstLine) = (physical.ToString(), lineNumber);
                    else
                    {
                        joined ??= new StringBuilder(line);
                        (continuations ??= []).Add((joined.Length, lineNumber));
                        joined.Append(physical);
                    }
                }

                if (line is not null && position < text.Length && text[position] != '#' && !IsSpace(text[position]))
                    break;
            }

            if (hasNul)
            {
                var first = line is null ? lineNumber : firstLine;
                var range = first == lineNumber ? $"{first}" : $"{first}-{lineNumber}";
                warnings.Warn($"{fileName}, line {range}: text after null byte may be ignored");
            }

            if (line is null)
                yield break;
            if (joined is not null)
                line = joined.ToString();
            if (IsSpace(line[0]))
            {
                var quote = line.Length > LongestQuote ? line[..LongestQuote] + "..." : line;
                warnings.Warn($"{fileName}: logical line must not start with whitespace: \"{quote}\"");
                continue;
            }

            yield return new LogicalLine(line, firstLine, lineNumber) { Continuations = continuations };
        }
    }
}
