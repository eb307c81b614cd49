namespace Postern.Core.Config;

/// <summary>Finds the end of bracketed text; only brackets of the same kind are counted.</summary>
internal static class BracedText
{
    /// <param name="text">Begins with <paramref name="open"/>.</param>
    /// <returns>The position of the bracket that closes the first one; -1 when none does.</returns>
    public static int FindClose(ReadOnlySpan<char> text, char open = '{', char close = '}')
    {
        var level = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == open)
                level++;
            else if (text[i] == close && --level == 0)
                return i;
        }

        return -1;
    }
}
