using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Proxy;
using Postern.Tests.Tables;

namespace Postern.Tests.Proxy;

public sealed class ProxyHeaderTests
{
    private static readonly InetProtocols Both = new(IPv4: true, IPv6: true);

    private static readonly Gen<IpAddress> IPv4 = Gen.UInt.Select(bits => IpAddress.FromIPv4(bits | 0x0100_0000)); // network 0 is refused
    private static readonly Gen<IpAddress> IPv6 = Gen.Byte.Array[16].Select(bytes => IpAddress.FromBytes([0x20, .. bytes[1..]]));

    private static readonly Gen<ProxyHeader> Headers = Gen.Select(Gen.Bool, IPv4, IPv4, IPv6, IPv6, Gen.UShort, Gen.UShort).Select(
        (isIPv4, client4, server4, client6, server6, clientPort, serverPort) =>
            new ProxyHeader(0, false, isIPv4 ? client4 : client6, clientPort, isIPv4 ? server4 : server6, serverPort));

    public static TheoryData<string> Cases => TableVectors.Read("haproxy.json", "cases", "extra_cases");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Reads_what_Postfix_reads(string vector)
    {
        var expected = JsonNode.Parse(vector)!;

        var found = ProxyHeader.TryParse(Convert.FromHexString((string)expected["bytes_hex"]!), Both, out var header, out var problem);

        Assert.Equal((string?)expected["error"], problem);
        Assert.Equal(problem is null, found);
        if (!found)
            return;
        Assert.Equal((int)expected["header_bytes"]!, header.Length);
        Assert.Equal((bool)expected["local"]!, header.IsLocal);
        if (!header.IsLocal)
        {
            Assert.Equal(
                ((string)expected["client_address"]!, (string)expected["client_port"]!, (string)expected["server_address"]!, (string)expected["server_port"]!),
                (header.ClientAddress.ToString(), $"{header.ClientPort}", header.ServerAddress.ToString(), $"{header.ServerPort}"));
        }
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", false, true, "bad or missing protocol type")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\n", true, false, "bad or missing protocol type")]
    [InlineData("PROXY \r\n", true, true, "bad or missing protocol type")]
    [InlineData("PROXY TCP4 0.0.0.1 192.0.2.2 1 2\n", true, true, "bad or missing client address")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.08 1 2\n", true, true, "bad or missing server address")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.2.2 1 2\n", true, true, "bad or missing server address")]
    [InlineData("PROXY TCP4 4294967296.0.2.1 192.0.2.2 1 2\n", true, true, "bad or missing client address")]
    [InlineData("PROXY TCP6 fe80::1%lo 2001:db8::2 1 2\n", true, true, "bad or missing client address")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\n", true, true, "bad or missing client port")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\0\n", true, true, "missing protocol header terminator")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n!\x11\0\f000000000000", false, true, "Postfix IPv4 support is disabled")]
    [InlineData("\r\n\r\n\0\r\nQUIT\n!!\0\f000000000000", true, false, "Postfix IPv6 support is disabled")]
    public void Refusals(string bytes, bool ipv4, bool ipv6, string expected)
    {
        Assert.False(ProxyHeader.TryParse(Encoding.Latin1.GetBytes(bytes), new InetProtocols(ipv4, ipv6), out _, out var problem));
        Assert.Equal(expected, problem);
    }

    [Theory]
    [InlineData("PROXY tcp4   10.0.0.010\r192.0.2.0000000001 0 65535 and more\r\nEHLO x\r\n", "10.0.0.8", 0, "192.0.2.1", 65535)]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.7 2001:DB8::1 1 2\nx", "192.0.2.7", 1, "2001:db8::1", 2)]
    [InlineData("PROXY TCP4 0.0.0.0 255.255.255.255 1 2\n", "0.0.0.0", 1, "255.255.255.255", 2)]
    public void Odd_lines_that_count(string text, string client, int clientPort, string server, int serverPort)
    {
        Assert.True(ProxyHeader.TryParse(Encoding.Latin1.GetBytes(text), Both, out var header, out _));
        Assert.Equal(
            new ProxyHeader(text.IndexOf('\n') + 1, false, Ip.Of(client), (ushort)clientPort, Ip.Of(server), (ushort)serverPort), header);
    }

    [Fact]
    public void Reads_back_what_a_proxy_writes_and_not_a_byte_more() => Gen.Select(Headers, Gen.Bool, Gen.Byte.Array[0, 60], Gen.Byte.Array[0, 40]).Sample((sent, isBinary, values, after) =>
    {
        var bytes = isBinary ? Binary(sent, values) : Line(sent);

        Assert.True(ProxyHeader.TryParse([.. bytes, .. after], Both, out var header, out var problem), problem);
        Assert.Equal(sent with { Length = bytes.Length }, header);
    });

    [Fact]
    public void No_part_of_a_header_is_taken_for_the_whole() => Gen.Select(Headers, Gen.Bool, Gen.Byte.Array[0, 20]).Sample((sent, isBinary, values) =>
    {
        var bytes = isBinary ? Binary(sent, values) : Line(sent);

        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.False(ProxyHeader.TryParse(bytes.AsSpan(0, length), Both, out _, out var problem));
            Assert.NotEmpty(problem);
        }
    });

    [Fact]
    public void Any_bytes_have_an_answer_and_its_length_is_within_them() => Gen.Select(Gen.Bool, Gen.Byte.Array[0, ProxyHeader.LongestPeek]).Sample((withStart, bytes) =>
    {
        byte[] data = withStart ? [.. "PROXY TCP4 "u8, .. bytes] : bytes;

        if (ProxyHeader.TryParse(data, Both, out var header, out _))
            Assert.InRange(header.Length, 1, data.Length);
    });

    private static byte[] Line(ProxyHeader header) => Encoding.ASCII.GetBytes(
        $"PROXY TCP{(header.ClientAddress.IsIPv4 ? 4 : 6)} {header.ClientAddress} {header.ServerAddress} {header.ClientPort} {header.ServerPort}\r\n");

    private static byte[] Binary(ProxyHeader header, byte[] values)
    {
        var isIPv4 = header.ClientAddress.IsIPv4;
        var block = new List<byte>();
        foreach (var address in (ReadOnlySpan<IpAddress>)[header.ClientAddress, header.ServerAddress])
        {
            var bytes = new byte[16];
            address.WriteBytes(bytes);
            block.AddRange(isIPv4 ? bytes[12..] : bytes);
        }

        foreach (var port in (ReadOnlySpan<ushort>)[header.ClientPort, header.ServerPort])
            block.AddRange([(byte)(port >> 8), (byte)port]);
        block.AddRange(values);
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)block.Count);
        return [.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, isIPv4 ? (byte)0x11 : (byte)0x21, .. length, .. block];
    }
}
