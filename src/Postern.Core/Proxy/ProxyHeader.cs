using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Postern.Core.Config;

namespace Postern.Core.Proxy;

/// <summary>
/// What a proxy says in front of the client's own bytes: whose connection this is. HAProxy's PROXY protocol, versions 1
/// (a line of text) and 2 (binary), with what postscreen takes of each.
/// </summary>
/// <param name="Length">Bytes that the header takes up; what stands behind them is the client's.</param>
/// <param name="IsLocal">The proxy speaks for itself (a health check): the addresses of the socket count, those here mean nothing.</param>
public readonly record struct ProxyHeader(
    int Length, bool IsLocal, IpAddress ClientAddress = default, ushort ClientPort = 0, IpAddress ServerAddress = default, ushort ServerPort = 0)
{
    /// <summary>How many bytes postscreen looks at, once; a header that is not whole in them is an error.</summary>
    public const int LongestPeek = 536;

    private const int FixedPart = 16;
    private const int ShortestIPv4 = 12;
    private const int ShortestIPv6 = 36;

    private static ReadOnlySpan<byte> Signature => [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

    /// <summary>Reads the header at the start of what a proxy sent.</summary>
    /// <param name="data">All of the first look, at most <see cref="LongestPeek"/> bytes.</param>
    /// <param name="protocols"><c>inet_protocols</c>: addresses of another family are refused.</param>
    /// <param name="problem">On failure, postscreen's words.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> data, InetProtocols protocols, out ProxyHeader header, [NotNullWhen(false)] out string? problem)
    {
        problem = data.StartsWith("PROXY "u8) ? ProxyLine.Parse(data, protocols, out header) : ParseBinary(data, protocols, out header);
        return problem is null;
    }

    private static string? ParseBinary(ReadOnlySpan<byte> data, InetProtocols protocols, out ProxyHeader header)
    {
        header = default;
        if (data.Length < FixedPart)
            return "short protocol header";
        if (!data.StartsWith(Signature))
            return "unrecognized protocol header";
        if (data[12] >> 4 != 2)
            return "unrecognized protocol version";
        var block = BinaryPrimitives.ReadUInt16BigEndian(data[14..]);
        if (data.Length - FixedPart < block)
            return "short version 2 protocol header";

        switch (data[12] & 0xf)
        {
            case 0:
                header = new ProxyHeader(FixedPart + block, IsLocal: true);
                return null;
            case 1:
                return ParseAddresses(data[13], data.Slice(FixedPart, block), protocols, out header);
            default:
                return "bad command in proxy header";
        }
    }

    private static string? ParseAddresses(byte family, ReadOnlySpan<byte> block, InetProtocols protocols, out ProxyHeader header)
    {
        header = default;
        int size;
        switch (family)
        {
            case 0x11 when !protocols.IPv4: return "Postfix IPv4 support is disabled";
            case 0x21 when !protocols.IPv6: return "Postfix IPv6 support is disabled";
            case 0x11 when block.Length < ShortestIPv4: return "short address field";
            case 0x21 when block.Length < ShortestIPv6: return "short address field";
            case 0x11: size = 4; break;
            case 0x21: size = 16; break;
            default: return "unsupported network protocol";
        }

        header = new ProxyHeader(
            FixedPart + block.Length,
            IsLocal: false,
            IpAddress.FromBytes(block[..size]),
            BinaryPrimitives.ReadUInt16BigEndian(block[(2 * size)..]),
            IpAddress.FromBytes(block.Slice(size, size)),
            BinaryPrimitives.ReadUInt16BigEndian(block[(2 * size + 2)..]));
        return null;
    }
}
