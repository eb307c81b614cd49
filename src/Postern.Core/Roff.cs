namespace Postern.Core;

/// <summary>Text for manual pages, in the language of man(7).</summary>
public static class Roff
{
    /// <summary>The text as it is to be read, wherever it stands in a line. Code marks of Markdown are left away.</summary>
    public static string Text(string text)
    {
        var plain = text.Replace("`", "", StringComparison.Ordinal).Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return plain.Length > 0 && plain[0] is '.' or '\'' ? "\\&" + plain : plain; // else it would be a request
    }
}
