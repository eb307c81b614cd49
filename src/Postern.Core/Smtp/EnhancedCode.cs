namespace Postern.Core.Smtp;

/// <summary>Enhanced status codes, RFC 3463: <c>5.7.1</c>.</summary>
public static class EnhancedCode
{
    private const int LongestNumber = 3;

    /// <summary>Whether a word is one: class 2, 4 or 5, and two numbers of up to three digits.</summary>
    public static bool IsValid(ReadOnlySpan<char> word)
    {
        if (word.Length < 2 || word[0] is not ('2' or '4' or '5') || word[1] != '.')
            return false;
        var dot = word[2..].IndexOf('.');
        return dot >= 0 && IsNumber(word.Slice(2, dot)) && IsNumber(word[(dot + 3)..]);
    }

    private static bool IsNumber(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= LongestNumber && !text.ContainsAnyExceptInRange('0', '9');
}
