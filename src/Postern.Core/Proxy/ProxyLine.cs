using System.Text;
using Postern.Core.Config;

namespace Postern.Core.Proxy;

/// <summary>Version 1 of the PROXY protocol: <c>PROXY TCP4 192.0.2.1 192.0.2.25 40000 25</c> and a line end.</summary>
internal static class ProxyLine
{
    private const int LongestPort = 5;

    /// <returns>What is wrong, in postscreen's words; null: nothing.</returns>
    internal static string? Parse(ReadOnlySpan<byte> data, InetProtocols protocols, out ProxyHeader header)
    {
        header = default;
        var end = data.IndexOfAny((byte)'\n', (byte)0); // a NUL ends the data, as in a C string
        if (end < 0 || data[end] == 0)
            return "missing protocol header terminator";

        var rest = data["PROXY "u8.Length..end];
        var type = NextWord(ref rest);
        var isIPv4 = protocols.IPv4 && Ascii.EqualsIgnoreCase(type, "TCP4"u8);
        if (!isIPv4 && !(protocols.IPv6 && Ascii.EqualsIgnoreCase(type, "TCP6"u8)))
            return "bad or missing protocol type"; // UNKNOWN, too: postscreen wants to know
        if (!TryReadAddress(NextWord(ref rest), isIPv4, out var client))
            return "bad or missing client address";
        if (!TryReadAddress(NextWord(ref rest), isIPv4, out var server))
            return "bad or missing server address";
        if (!TryReadPort(NextWord(ref rest), out var clientPort))
            return "bad or missing client port";
        if (!TryReadPort(NextWord(ref rest), out var serverPort))
            return "bad or missing server port";

        header = new ProxyHeader(end + 1, IsLocal: false, client, clientPort, server, serverPort);
        return null;
    }

    /// <summary>Words stand between any number of blanks and CRs; an empty one means that there are no more.</summary>
    private static ReadOnlySpan<byte> NextWord(ref ReadOnlySpan<byte> rest)
    {
        var start = rest.IndexOfAnyExcept((byte)' ', (byte)'\r');
        rest = start < 0 ? default : rest[start..];
        var end = rest.IndexOfAny((byte)' ', (byte)'\r');
        var word = end < 0 ? rest : rest[..end];
        rest = rest[word.Length..];
        return word;
    }

    private static bool TryReadAddress(ReadOnlySpan<byte> word, bool isIPv4, out IpAddress address)
    {
        address = default;
        if (isIPv4)
            return TryReadIPv4(word, out address);
        if (word.Length > IpAddress.MaxTextLength || !word.Contains((byte)':'))
            return false;
        Span<char> text = stackalloc char[word.Length];
        Encoding.Latin1.GetChars(word, text);
        return IpAddress.TryParse(text, out address);
    }

    /// <summary>
    /// Four numbers up to 255. What postscreen does with one that has a leading zero: it checks it as a decimal number
    /// and then lets the system read it as an octal one.
    /// </summary>
    private static bool TryReadIPv4(ReadOnlySpan<byte> word, out IpAddress address)
    {
        address = default;
        var bits = 0u;
        for (var part = 0; part < 4; part++)
        {
            var dot = word.IndexOf((byte)'.');
            if (dot < 0 != (part == 3))
                return false;
            if (!TryReadPart(dot < 0 ? word : word[..dot], out var value))
                return false;
            bits = bits << 8 | value;
            word = dot < 0 ? default : word[(dot + 1)..];
        }

        address = IpAddress.FromIPv4(bits);
        return bits >> 24 != 0 || bits == 0; // network 0 has one address that can be a host's
    }

    private static bool TryReadPart(ReadOnlySpan<byte> digits, out uint value)
    {
        value = 0;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return false;
        var (asDecimal, isOctal) = (0u, digits.Length > 1 && digits[0] == '0');
        foreach (var digit in digits)
        {
            asDecimal = asDecimal * 10 + (uint)(digit - '0');
            value = value * (isOctal ? 8u : 10u) + (uint)(digit - '0');
            if (asDecimal > 255 || (isOctal && digit > '7'))
                return false;
        }

        return true;
    }

    private static bool TryReadPort(ReadOnlySpan<byte> digits, out ushort port)
    {
        port = 0;
        if (digits.Length is 0 or > LongestPort || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return false;
        if (digits.Length > 1 && digits[0] == '0')
            return false;
        var number = 0;
        foreach (var digit in digits)
            number = number * 10 + (digit - '0');
        port = (ushort)number;
        return number <= ushort.MaxValue;
    }
}
