using System.Text;

namespace Postern.Core.Dnsbl;

/// <summary>The name to ask a DNS list for: the client's address backwards, below the list's domain (RFC 5782 §2.1, §2.4).</summary>
public static class DnsblQuery
{
    /// <summary>Longest part before the domain, on the wire: 32 labels of one digit.</summary>
    public const int MaxPrefixLength = 64;

    /// <summary>Writes the labels before the domain in wire form, each with its length in front: <c>\x01 2 \x01 0 …</c>.</summary>
    /// <param name="destination">At least <see cref="MaxPrefixLength"/> bytes.</param>
    /// <param name="address">IPv4 gives four decimal labels, IPv6 32 hexadecimal ones; the lowest part first.</param>
    /// <returns>The length.</returns>
    public static int WritePrefix(Span<byte> destination, IpAddress address)
    {
        var length = 0;
        if (address.IsIPv4)
        {
            for (var shift = 0; shift < 32; shift += 8)
            {
                ((byte)(address.IPv4Bits >> shift)).TryFormat(destination[(length + 1)..], out var digits);
                destination[length] = (byte)digits;
                length += 1 + digits;
            }

            return length;
        }

        for (var nibble = 0; nibble < 32; nibble++)
        {
            var half = nibble < 16 ? address.Low : address.High;
            destination[length++] = 1;
            destination[length++] = "0123456789abcdef"u8[(int)(half >> 4 * (nibble & 15)) & 15];
        }

        return length;
    }

    /// <summary>The whole name as text.</summary>
    public static string Text(IpAddress address, string domain)
    {
        Span<byte> prefix = stackalloc byte[MaxPrefixLength];
        var length = WritePrefix(prefix, address);
        var text = new StringBuilder(MaxPrefixLength + domain.Length);
        for (var label = 0; label < length; label += 1 + prefix[label])
            text.Append(Encoding.ASCII.GetString(prefix.Slice(label + 1, prefix[label]))).Append('.');
        return text.Append(domain).ToString();
    }
}
