using System.Globalization;
using System.Text;

namespace Postern.Reports;

/// <summary>Text of strangers for a terminal.</summary>
internal static class TerminalText
{
    /// <summary>The text with a <c>?</c> for each character that may do something there: nothing that a client has said does.</summary>
    public static string Printable(string text)
    {
        var printable = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            printable.Append(Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.Surrogate ? "?" : rune.ToString());
        return printable.ToString();
    }
}
