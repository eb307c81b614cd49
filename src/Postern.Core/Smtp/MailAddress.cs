using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Smtp;

/// <summary>What MAIL and RCPT arguments hold, read as leniently as postscreen does: it never fails.</summary>
public static class MailAddress
{
    /// <summary>Takes the address out of the arguments, <c>FROM:&lt;…&gt;</c>: internal, unquoted form.</summary>
    /// <returns>False: there is no colon.</returns>
    public static bool TryExtract(ReadOnlySpan<byte> arguments, [NotNullWhen(true)] out byte[]? address)
    {
        var colon = arguments.IndexOf((byte)':');
        address = colon < 0 ? null : Extract(arguments[(colon + 1)..]);
        return colon >= 0;
    }

    /// <summary>Takes the address out of the text behind the first colon of <c>FROM:&lt;…&gt;</c>: internal, unquoted form.</summary>
    public static byte[] Extract(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart((byte)' ');
        var terminator = (byte)' ';
        if (text.Length > 0 && text[0] == '<')
        {
            terminator = (byte)'>';
            text = text[1..];
        }

        var result = new byte[text.Length];
        var length = 0;
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            var value = text[i];
            if (value == terminator && !quoted)
                break;
            if (value == '"')
            {
                quoted = !quoted;
                continue;
            }

            if (value == '\\' && ++i == text.Length)
                break;
            result[length++] = text[i];
        }

        var address = result.AsSpan(0, length);
        if (length > 0 && address[0] == '@' && address.IndexOf((byte)':') is >= 0 and var colon)
            address = address[(colon + 1)..]; // an RFC 821 route
        return address.ToArray();
    }

    /// <summary>
    /// Appends an address in external form (<c>info_log_address_format = external</c>): the local part is quoted as in
    /// RFC 822 when it needs it; the domain never is.
    /// </summary>
    public static void AppendQuoted(ByteBuffer output, ReadOnlySpan<byte> address)
    {
        var at = address.LastIndexOf((byte)'@');
        var local = at < 0 ? address : address[..at];
        if (address.IsEmpty || !NeedsQuotes(local))
        {
            output.Append(address);
            return;
        }

        output.Append((byte)'"');
        foreach (var value in local)
        {
            if (value is (byte)'"' or (byte)'\\' or (byte)'\r')
                output.Append((byte)'\\');
            output.Append(value);
        }

        output.Append((byte)'"').Append(at < 0 ? default : address[at..]);
    }

    private static bool NeedsQuotes(ReadOnlySpan<byte> local)
    {
        if (local.IsEmpty || local[0] == '.' || local[^1] == '.')
            return true;
        for (var i = 0; i < local.Length; i++)
        {
            var value = local[i];
            if (value is <= (byte)' ' or 127 || "()<>@,;:\\\"[]"u8.Contains(value))
                return true;
            if (value == '.' && local[i - 1] == '.')
                return true;
        }

        return false;
    }
}
