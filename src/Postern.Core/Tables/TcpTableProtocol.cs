using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Postern.Core.Tables;

/// <summary>What a client and the server behind a <c>tcp:</c> table say to each other (tcp_table(5)).</summary>
/// <remarks>
/// <code>
/// C: get 192.0.2.7\n        S: 200 permit\n    S: 500 no such key\n    S: 400 come back later\n
/// </code>
/// In keys and answers <c>%XX</c> stands for one byte.
/// </remarks>
public static class TcpTableProtocol
{
    /// <summary>The longest reply in bytes, with its newline.</summary>
    public const int MaxReply = 4096;

    private const int CodeLength = 3;

    /// <summary>The request for a key.</summary>
    public static byte[] Request(string key)
    {
        var text = new StringBuilder("get ", key.Length + 8);
        foreach (var one in key)
        {
            if (one is > ' ' and < '\x7f' and not '%')
                text.Append(one);
            else
                text.Append(CultureInfo.InvariantCulture, $"%{(int)one:X2}");
        }

        return Encoding.Latin1.GetBytes(text.Append('\n').ToString());
    }

    /// <summary>Finds the reply in what has come so far.</summary>
    /// <param name="received">From the reply's first byte.</param>
    /// <param name="line">The reply without its newline.</param>
    /// <param name="length">Bytes of a complete reply.</param>
    /// <param name="problem">Why there will be none, in Postfix's words; null: there may be one.</param>
    /// <returns>Whether the reply is complete.</returns>
    public static bool TryRead(ReadOnlySpan<byte> received, [NotNullWhen(true)] out string? line, out int length, out string? problem)
    {
        (line, length, problem) = (null, 0, null);
        var end = received.IndexOf((byte)'\n');
        if (end < 0 ? received.Length >= MaxReply : end >= MaxReply)
            problem = $"text longer than {MaxReply}";
        else if (end >= 0)
            (line, length) = (ListText.BeforeNul(Encoding.Latin1.GetString(received[..end])).ToString(), end + 1);
        return line is not null;
    }

    /// <summary>Understands a reply.</summary>
    /// <param name="line">As <see cref="TryRead"/> found it.</param>
    /// <param name="problem">What is wrong with it, in Postfix's words; null also where the server says that it cannot tell.</param>
    public static LookupResult Parse(string line, out string? problem)
    {
        problem = null;
        if (!HasCode(line) || !TryDecode(line, out var text))
        {
            problem = $"malformed reply: {line}";
            return LookupResult.Error;
        }

        switch (text[0])
        {
            case '2': return LookupResult.Found(text[(CodeLength + 1)..]);
            case '5': return LookupResult.NotFound;
            case '4': return LookupResult.Error;
            default:
                problem = $"bad status code: {line}";
                return LookupResult.Error;
        }
    }

    private static bool HasCode(string text) =>
        text.Length > CodeLength && !text.AsSpan(0, CodeLength).ContainsAnyExceptInRange('0', '9') && LogicalLines.IsSpace(text[CodeLength]);

    private static bool TryDecode(string line, out string text)
    {
        text = line;
        if (!line.Contains('%'))
            return true;
        var decoded = new StringBuilder(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] != '%')
            {
                decoded.Append(line[i]);
                continue;
            }

            if (i + 2 >= line.Length || !char.IsAsciiHexDigit(line[i + 1]) || !char.IsAsciiHexDigit(line[i + 2]))
                return false;
            decoded.Append((char)byte.Parse(line.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
            i += 2;
        }

        text = ListText.BeforeNul(decoded.ToString()).ToString();
        return true;
    }
}
