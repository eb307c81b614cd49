using System.Buffers.Text;
using System.Text;

namespace Postern.Core.Reporting;

/// <summary>Reads the clients that log lines name.</summary>
internal static class ClientText
{
    /// <summary><c>[192.0.2.1]:54321</c> at the beginning of the text.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out IpAddress address, out ushort port)
    {
        (address, port) = (default, 0);
        return text.StartsWith("["u8) && text.IndexOf("]:"u8) is > 0 and <= IpAddress.MaxTextLength + 1 and var end
            && TryReadAddress(text[1..end], out address) && Utf8Parser.TryParse(text[(end + 2)..], out port, out _);
    }

    /// <summary>The address of the first <c>name[192.0.2.1]</c>; the name is what the client's own name server says, so it may hold anything but a bracket.</summary>
    public static bool TryReadNamed(ReadOnlySpan<byte> text, out IpAddress address)
    {
        address = default;
        if (text.IndexOf((byte)'[') is not (>= 0 and var start))
            return false;
        text = text[(start + 1)..];
        return text.IndexOf((byte)']') is > 0 and <= IpAddress.MaxTextLength and var end && TryReadAddress(text[..end], out address);
    }

    /// <summary>An address, and nothing else.</summary>
    public static bool TryReadAddress(ReadOnlySpan<byte> text, out IpAddress address)
    {
        Span<char> characters = stackalloc char[IpAddress.MaxTextLength];
        if (text.Length > characters.Length)
        {
            address = default;
            return false;
        }

        return IpAddress.TryParse(characters[..Encoding.Latin1.GetChars(text, characters)], out address);
    }
}
