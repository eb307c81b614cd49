using System.Globalization;

namespace Postern.Core.Relay;

/// <summary>Writes the XCLIENT command, with the attributes that the server's EHLO reply names; values are in xtext (RFC 3461 §4).</summary>
public static class Xclient
{
    private const int LongestHelo = 255; // longer is no host name
    private const int LongestCommand = 510; // RFC 5321 §4.5.3.1.4, without CR LF

    /// <summary>Appends the command with its CR LF.</summary>
    /// <param name="output">Takes the command.</param>
    /// <param name="offered">What stands behind XCLIENT in the server's EHLO reply: <c>NAME ADDR PORT</c>.</param>
    /// <param name="client">The client.</param>
    /// <param name="helo">The client's HELO name; empty: it has not said HELO to us.</param>
    /// <param name="extended">The client has said EHLO.</param>
    /// <returns>False, and nothing is appended, when the server does not take the address: without it the command is worth nothing.</returns>
    public static bool TryAppend(ByteBuffer output, string offered, ClientIdentity client, ReadOnlySpan<byte> helo, bool extended)
    {
        var names = offered.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (!Takes("ADDR"))
            return false;
        var start = output.Length;
        output.Append("XCLIENT ADDR="u8);
        AppendAddress(output, client.Address);
        if (Takes("NAME"))
            output.Append(" NAME="u8).Append(client.Name);
        if (Takes("REVERSE_NAME"))
            output.Append(" REVERSE_NAME="u8).Append(client.ReverseName);
        if (Takes("PORT"))
            output.Append(" PORT="u8).Append(client.Port);
        if (Takes("DESTADDR"))
            AppendAddress(output.Append(" DESTADDR="u8), client.Server.Address);
        if (Takes("DESTPORT"))
            output.Append(" DESTPORT="u8).Append(client.Server.Port);
        if (!helo.IsEmpty && Takes("PROTO"))
            output.Append(extended ? " PROTO=ESMTP"u8 : " PROTO=SMTP"u8);
        var end = output.Length;
        if (!helo.IsEmpty && helo.Length <= LongestHelo && Takes("HELO"))
            AppendXtext(output.Append(" HELO="u8), helo);
        if (output.Length - start > LongestCommand)
            output.Truncate(end); // what the client says of itself is the least of it
        output.Append("\r\n"u8);
        return true;

        bool Takes(string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);
    }

    private static void AppendAddress(ByteBuffer output, IpAddress address)
    {
        if (!address.IsIPv4)
            output.Append("IPV6:"u8);
        output.Append(address);
    }

    // "+", "=" and everything that is not a printable ASCII character is written as + and two upper-case hex digits.
    private static void AppendXtext(ByteBuffer output, ReadOnlySpan<byte> text)
    {
        foreach (var one in text)
        {
            if (one is > (byte)' ' and < 127 and not (byte)'+' and not (byte)'=')
                output.Append(one);
            else
                output.Append((byte)'+').Append(one.ToString("X2", CultureInfo.InvariantCulture));
        }
    }
}
