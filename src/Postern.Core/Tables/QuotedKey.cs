namespace Postern.Core.Tables;

/// <summary>
/// How texthash and inline tables find the end of a key: at the first white space outside double quotes. A backslash
/// protects the character after it. Quotes and backslashes stay part of the key.
/// </summary>
internal static class QuotedKey
{
    /// <param name="stopAtEquals">Whether <c>=</c> ends the key too.</param>
    /// <returns>Whether the quotes are in pairs.</returns>
    public static bool TryMeasure(ReadOnlySpan<char> text, bool stopAtEquals, out int length)
    {
        var isQuoted = false;
        for (length = 0; length < text.Length; length++)
        {
            var character = text[length];
            if (character == '\\' && length + 1 < text.Length)
                length++;
            else if (character == '"')
                isQuoted = !isQuoted;
            else if (!isQuoted && (LogicalLines.IsSpace(character) || (stopAtEquals && character == '=')))
                break;
        }

        return !isQuoted;
    }
}
