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

    /// <summary>Whether the character is ASCII white space.</summary>
    public static bool IsSpace(char character) => character is ' ' or (>= '\t' and <= '\r');

    /// <summary>Reads one after the other; nothing is kept beyond the line at hand.</summary>
    /// <param name="text">The whole file, each character standing for one byte.</param>
    /// <param name="fileName">How warnings name the file.</param>
    /// <param name="warnings">Told of dropped lines and of NUL bytes.</param>
    public static IEnumerable<LogicalLine> Read(string text, string fileName, IWarningSink warnings)
    {
        var lines = new LogicalLineReader(text, fileName, warnings);
        while (lines.Read())
            yield return new LogicalLine(lines.Text.ToString(), lines.LineNumber, lines.LastLineNumber) { Continuations = lines.TakeContinuations() };
    }
}
