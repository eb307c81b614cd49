using System.Buffers.Binary;
using Postern.Core.Config;

namespace Postern.Core.Relay;

/// <summary>
/// Writes the header of the PROXY protocol, with which a connection begins. Version 1 is a line:
/// <c>PROXY TCP4 192.0.2.7 192.0.2.25 40000 25</c>. Version 2 is binary: 12 bytes of signature, version and command,
/// family, length of the rest, addresses and ports in network order, then TLVs (type, 16-bit length, value).
/// </summary>
public static class ProxyHeaderWriter
{
    private const byte ProxyCommand = 0x21;
    private const byte Tcp4 = 0x11, Tcp6 = 0x21;
    private const byte UniqueIdTlv = 0x05, TlsTlv = 0x20, TlsVersionTlv = 0x21, TlsCipherTlv = 0x23;
    private const byte ClientUsedTls = 0x01;
    private const uint NotVerified = 1; // the client has shown no certificate that we checked
    private const int LongestUniqueId = 128;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Appends the header that an announcement calls for: none, for those that do not use the PROXY protocol.</summary>
    public static void Append(ByteBuffer output, RelayAnnouncement announcement, ClientIdentity client)
    {
        if (announcement is RelayAnnouncement.ProxyV1)
            AppendV1(output, client);
        else if (announcement is RelayAnnouncement.ProxyV2)
            AppendV2(output, client);
    }

    private static void AppendV1(ByteBuffer output, ClientIdentity client)
    {
        output.Append(IsIPv4(client) ? "PROXY TCP4 "u8 : "PROXY TCP6 "u8);
        AppendText(output, client, client.Address);
        output.Append((byte)' ');
        AppendText(output, client, client.Server.Address);
        output.Append((byte)' ').Append(client.Port).Append((byte)' ').Append(client.Server.Port).Append("\r\n"u8);
    }

    private static void AppendV2(ByteBuffer output, ClientIdentity client)
    {
        var isIPv4 = IsIPv4(client);
        output.Append(Signature).Append(ProxyCommand).Append(isIPv4 ? Tcp4 : Tcp6);
        var length = output.Length;
        AppendNumber(output, 0);
        AppendBytes(output, isIPv4, client.Address);
        AppendBytes(output, isIPv4, client.Server.Address);
        AppendNumber(output, client.Port);
        AppendNumber(output, client.Server.Port);
        if (client.UniqueId.Length is > 0 and <= LongestUniqueId)
            AppendTlv(output, UniqueIdTlv, client.UniqueId);
        if (client.Tls is { } tls)
            AppendTls(output, tls);
        SetNumber(output, length, output.Length - length - 2);
    }

    // Value of the TLS TLV: one byte of flags, 32 bits of verification result, then TLVs of its own.
    private static void AppendTls(ByteBuffer output, TlsFacts tls)
    {
        output.Append(TlsTlv);
        var length = output.Length;
        AppendNumber(output, 0);
        output.Append(ClientUsedTls);
        BinaryPrimitives.WriteUInt32BigEndian(output.Reserve(4), NotVerified);
        output.Advance(4);
        AppendTlv(output, TlsVersionTlv, tls.Version);
        AppendTlv(output, TlsCipherTlv, tls.Cipher);
        SetNumber(output, length, output.Length - length - 2);
    }

    private static void AppendTlv(ByteBuffer output, byte type, string value)
    {
        output.Append(type);
        AppendNumber(output, (ushort)value.Length);
        output.Append(value);
    }

    private static void AppendNumber(ByteBuffer output, ushort number)
    {
        BinaryPrimitives.WriteUInt16BigEndian(output.Reserve(2), number);
        output.Advance(2);
    }

    private static void SetNumber(ByteBuffer output, int at, int number)
    {
        output[at] = (byte)(number >> 8);
        output[at + 1] = (byte)number;
    }

    private static void AppendBytes(ByteBuffer output, bool isIPv4, IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.WriteBytes(bytes);
        output.Append(isIPv4 ? bytes[12..] : bytes);
    }

    // One header has addresses of one family: beside an IPv6 address an IPv4 one stands in its mapped form.
    private static void AppendText(ByteBuffer output, ClientIdentity client, IpAddress address)
    {
        if (address.IsIPv4 && !IsIPv4(client))
            output.Append("::ffff:"u8);
        output.Append(address);
    }

    private static bool IsIPv4(ClientIdentity client) => client.Address.IsIPv4 && client.Server.Address.IsIPv4;
}
