using System.Diagnostics.CodeAnalysis;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>The address between the angle brackets of MAIL and RCPT, without a source route.</summary>
/// <param name="Text">The address as written; empty for the null sender.</param>
/// <param name="LocalPart">What stands before the last @.</param>
/// <param name="Domain">A host name (its final dot taken away) or <c>[literal]</c>; null when there is none.</param>
internal sealed record MailPath(string Text, string LocalPart, string? Domain)
{
    /// <summary>The null sender of bounces (RFC 5321 §4.5.5).</summary>
    public static readonly MailPath Null = new("", "", null);

    /// <summary>Whether the domain is an address literal, which needs no lookup.</summary>
    public bool IsLiteral => Domain is ['[', ..];

    /// <summary>Whether the local part asks to be routed on (<c>user%there</c>, <c>there!user</c>, <c>user@there</c>).</summary>
    public bool AsksForRouting => LocalPart.AsSpan().IndexOfAny('%', '!', '@') >= 0;

    /// <summary>Takes a path off the front of the arguments.</summary>
    /// <param name="text">What follows <c>FROM:</c> or <c>TO:</c>.</param>
    /// <param name="rest">The parameters after the path; the whole token when it is not a path, so that a log can show it.</param>
    /// <remarks>Missing brackets are forgiven, as Postfix does by default (strict_rfc821_envelopes = no).</remarks>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out MailPath? path, out ReadOnlySpan<char> rest)
    {
        path = null;
        text = text.TrimStart(' ');
        var bracketed = text.StartsWith('<');
        var end = FindEnd(text, bracketed);
        rest = text;
        if (end < 0)
            return false;
        var address = bracketed ? text[1..(end - 1)] : text[..end];
        rest = text[end..];
        if (!rest.IsEmpty && rest[0] != ' ')
        {
            rest = text;
            return false;
        }

        if (!TryParseAddress(address, out path))
        {
            rest = text[..end];
            return false;
        }

        rest = rest.Trim(' ');
        return true;
    }

    private static int FindEnd(ReadOnlySpan<char> text, bool bracketed)
    {
        var quoted = false;
        for (var i = bracketed ? 1 : 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\':
                    i++;
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case '>' when bracketed && !quoted:
                    return i + 1;
                case ' ' when !bracketed && !quoted:
                    return i;
            }
        }

        return bracketed ? -1 : text.Length;
    }

    private static bool TryParseAddress(ReadOnlySpan<char> address, [NotNullWhen(true)] out MailPath? path)
    {
        path = null;
        if (address.IsEmpty)
        {
            path = Null;
            return true;
        }

        if (address[0] == '@' && address.IndexOf(':') is > 0 and var routeEnd)
            address = address[(routeEnd + 1)..]; // RFC 5321 §3.6.1: source routes are ignored
        var local = LocalPartLength(address);
        if (local <= 0)
            return false;
        if (local == address.Length)
        {
            path = new MailPath(address.ToString(), address.ToString(), null);
            return true;
        }

        var domain = address[(local + 1)..];
        if (domain.EndsWith('.'))
            domain = domain[..^1];
        if (!IsDomain(domain))
            return false;
        path = new MailPath(address.ToString(), address[..local].ToString(), domain.ToString());
        return true;
    }

    /// <returns>Characters before the @ that starts the domain; -1 when the local part is malformed.</returns>
    private static int LocalPartLength(ReadOnlySpan<char> address)
    {
        var quoted = false;
        var at = -1;
        for (var i = 0; i < address.Length; i++)
        {
            switch (address[i])
            {
                case '\\':
                    if (++i == address.Length)
                        return -1;
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case '@' when !quoted:
                    at = i; // the last one counts
                    break;
                case ' ' or '\t' or '<' or '>' or '(' or ')' or ',' or ';' when !quoted:
                    return -1;
            }
        }

        return quoted ? -1 : at < 0 ? address.Length : at;
    }

    private static bool IsDomain(ReadOnlySpan<char> domain)
    {
        if (domain.StartsWith('['))
            return domain.EndsWith(']') && IsLiteralAddress(domain[1..^1]);
        if (domain.Length is 0 or > 255)
            return false;
        var allDigits = true;
        foreach (var part in domain.Split('.'))
        {
            var label = domain[part];
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
                return false;
            foreach (var letter in label)
            {
                if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '_')) // UTF-8 would need SMTPUTF8
                    return false;
                allDigits &= char.IsAsciiDigit(letter);
            }
        }

        return !allDigits;
    }

    private static bool IsLiteralAddress(ReadOnlySpan<char> literal)
    {
        if (!literal.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase))
            return IpAddress.TryParse(literal, out var plain) && plain.IsIPv4 && !literal.Contains(':');
        return IpAddress.TryParse(literal[5..], out _) && literal[5..].Contains(':');
    }
}
