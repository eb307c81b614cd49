using System.Text;

namespace Postern.Core.Smtp;

/// <summary>Reads lists of EHLO keywords.</summary>
public static class EhloKeywordList
{
    private static readonly (string Name, EhloKeywords Keyword)[] Names =
    [
        ("8bitmime", EhloKeywords.EightBitMime), ("auth", EhloKeywords.Auth), ("etrn", EhloKeywords.Etrn),
        ("pipelining", EhloKeywords.Pipelining), ("size", EhloKeywords.Size), ("verp", EhloKeywords.Verp),
        ("vrfy", EhloKeywords.Vrfy), ("xclient", EhloKeywords.XClient), ("xforward", EhloKeywords.XForward),
        ("starttls", EhloKeywords.StartTls), ("enhancedstatuscodes", EhloKeywords.EnhancedStatusCodes),
        ("dsn", EhloKeywords.Dsn), ("smtputf8", EhloKeywords.SmtpUtf8), ("chunking", EhloKeywords.Chunking),
        ("silent-discard", EhloKeywords.SilentDiscard), ("requiretls", EhloKeywords.RequireTls),
    ];

    /// <summary>Reads a comma or space separated list; unknown words count for nothing, as in Postfix.</summary>
    public static EhloKeywords Parse(string text)
    {
        var mask = EhloKeywords.None;
        foreach (var word in text.Split([',', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            foreach (var (name, keyword) in Names)
            {
                if (name.Equals(word, StringComparison.OrdinalIgnoreCase))
                    mask |= keyword;
            }
        }

        return mask;
    }

    /// <summary>The keywords of a mask by the names that the log has for them.</summary>
    /// <param name="isList">Whether commas stand between them, and all have their own names.</param>
    public static string Describe(EhloKeywords mask, bool isList)
    {
        var words = new StringBuilder();
        foreach (var (name, keyword) in Names)
        {
            if (mask.HasFlag(keyword))
                words.Append(words.Length == 0 ? "" : isList ? ", " : " ").Append(!isList && keyword is EhloKeywords.SmtpUtf8 ? "EHLO_MASK_SMTPUTF8" : name.ToUpperInvariant());
        }

        return words.ToString();
    }
}
