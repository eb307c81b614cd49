using System.Text;

namespace Postern.Core.Dnsbl;

/// <summary>
/// The names of DNS lists for whoever may look at metrics or the page. A paid list has its customer's key in its name, as in
/// <c>KEY.zen.dq.spamhaus.net</c>; <c>postscreen_dnsbl_reply_map</c> may have another name for it. Replies and log lines have
/// <see cref="DnsblList.PublicName"/>, as postscreen's do.
/// </summary>
public static class ListName
{
    /// <summary>What stands in the place of a key.</summary>
    public const string Hidden = "(key)";

    private const int ShortestKey = 16, ShortestKeyOfOneKind = 24;

    /// <summary>The name that the reply map has, else the domain without its key.</summary>
    public static string ToShow(DnsblList list, IWarningSink warnings) => list.PublicName(warnings) is var name && name != list.Domain ? name : WithoutKeys(name);

    /// <summary>
    /// A text that names lists, without what looks like a key: a label with another one behind it, of nothing but letters and
    /// digits, 16 or more of both kinds, or 24.
    /// </summary>
    public static string WithoutKeys(string text)
    {
        var shown = new StringBuilder(text.Length);
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && IsOfLabel(text[end]))
                end++;
            var hasNext = end + 1 < text.Length && text[end] == '.' && IsOfLabel(text[end + 1]);
            shown.Append(hasNext && IsKey(text.AsSpan(start, end - start)) ? Hidden : text.AsSpan(start, end - start));
            if (end < text.Length)
                shown.Append(text[end]);
            start = end + 1;
        }

        return shown.ToString();
    }

    /// <summary>Whether the name lacks the customer's key that lists of its family have in front, as in <c>zen.dq.spamhaus.net</c>.</summary>
    public static bool LacksKey(string domain)
    {
        foreach (var family in (ReadOnlySpan<string>)[".dq.spamhaus.net", ".mail.abusix.zone"])
        {
            if (domain.EndsWith(family, StringComparison.OrdinalIgnoreCase))
                return !domain.AsSpan(0, domain.Length - family.Length).Contains('.');
        }

        return false;
    }

    private static bool IsOfLabel(char one) => char.IsAsciiLetterOrDigit(one) || one is '-' or '_';

    private static bool IsKey(ReadOnlySpan<char> label)
    {
        var digits = 0;
        foreach (var one in label)
        {
            if (!char.IsAsciiLetterOrDigit(one))
                return false;
            if (char.IsAsciiDigit(one))
                digits++;
        }

        return label.Length >= (digits == 0 || digits == label.Length ? ShortestKeyOfOneKind : ShortestKey);
    }
}
