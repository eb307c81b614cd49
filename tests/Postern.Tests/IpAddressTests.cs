using Postern.Core;

namespace Postern.Tests;

public sealed class IpAddressTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("2001:DB8:0:0::2", "2001:db8::2")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("::1", "::1")]
    public void Text_forms_that_inet_pton_takes(string text, string canonical)
    {
        Assert.True(IpAddress.TryParse(text, out var address));
        Assert.Equal(canonical, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("127.1")]
    [InlineData("127.0.0.01")]
    [InlineData("127.0.0.256")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.4 ")]
    [InlineData("[::1]")]
    [InlineData("fe80::1%eth0")]
    [InlineData(":::")]
    [InlineData("::ffff:1.2.3")]
    [InlineData("::01.2.3.4")]
    public void Text_forms_that_inet_pton_refuses(string text) => Assert.False(IpAddress.TryParse(text, out _));

    [Theory]
    [InlineData("192.0.2.255", 24, "192.0.2.0")]
    [InlineData("192.0.2.255", 32, "192.0.2.255")]
    [InlineData("192.0.2.255", 25, "192.0.2.128")]
    [InlineData("192.0.2.255", 0, "0.0.0.0")]
    [InlineData("2001:db8:1:2:ffff::1", 64, "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:ffff::1", 72, "2001:db8:1:2:ff00::")]
    [InlineData("2001:db8:1:2:ffff::1", 128, "2001:db8:1:2:ffff::1")]
    [InlineData("2001:db8:1:2:ffff::1", 33, "2001:db8::")]
    [InlineData("2001:db8:1:2:ffff::1", 0, "::")]
    public void Networks_begin_with_the_addresses_first_bits(string address, int length, string network) =>
        Assert.Equal(network, Ip.Of(address).Network(length).ToString());
}
