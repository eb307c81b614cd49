using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Relay;

namespace Postern.Tests.Relay;

public sealed class ProxyHeaderWriterTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.25", "PROXY TCP4 192.0.2.7 192.0.2.25 40000 25\r\n")]
    [InlineData("2001:db8::7", "2001:db8::25", "PROXY TCP6 2001:db8::7 2001:db8::25 40000 25\r\n")]
    [InlineData("2001:db8::7", "192.0.2.25", "PROXY TCP6 2001:db8::7 ::ffff:192.0.2.25 40000 25\r\n")]
    [InlineData("192.0.2.7", "2001:db8::25", "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::25 40000 25\r\n")]
    public void Version_1(string client, string server, string expected) =>
        Assert.Equal(expected, Encoding.Latin1.GetString(Write(RelayAnnouncement.ProxyV1, client, server)));

    [Fact]
    public void Version_2_for_IPv4() => Assert.Equal(
        "0D0A0D0A000D0A515549540A" + "2111" + "0011" + "C0000207" + "C0000219" + "9C40" + "0019" + "05000269" + "64",
        Convert.ToHexString(Write(RelayAnnouncement.ProxyV2, "192.0.2.7", "192.0.2.25")));

    [Fact]
    public void Version_2_for_IPv6_with_TLS()
    {
        var header = Write(RelayAnnouncement.ProxyV2, "2001:db8::7", "2001:db8::25", new TlsFacts("TLSv1.3", "C"));

        Assert.Equal(
            "0D0A0D0A000D0A515549540A" + "2121" + "003F"
            + "20010DB8000000000000000000000007" + "20010DB8000000000000000000000025" + "9C40" + "0019"
            + "0500026964"
            + "200013" + "01" + "00000001" + "210007" + Convert.ToHexString("TLSv1.3"u8) + "230001" + "43",
            Convert.ToHexString(header));
    }

    [Theory]
    [InlineData(RelayAnnouncement.None)]
    [InlineData(RelayAnnouncement.Xclient)]
    public void No_header_where_none_is_asked_for(RelayAnnouncement announcement) => Assert.Empty(Write(announcement, "192.0.2.7", "192.0.2.25"));

    private static byte[] Write(RelayAnnouncement announcement, string client, string server, TlsFacts? tls = null)
    {
        var output = new ByteBuffer();
        ProxyHeaderWriter.Append(output, announcement, new ClientIdentity(Ip.Of(client), 40000, new Endpoint(Ip.Of(server), 25), "id", tls));
        return output.Written.ToArray();
    }
}
