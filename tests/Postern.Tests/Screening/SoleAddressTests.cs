using Postern.Core.Screening;

namespace Postern.Tests.Screening;

public sealed class SoleAddressTests
{
    private readonly SoleAddress _watch = new();

    [Theory]
    [InlineData("10.1.2.3")]
    [InlineData("172.17.0.1")]
    [InlineData("172.31.0.1")]
    [InlineData("192.168.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("169.254.1.1")]
    [InlineData("127.0.0.1")]
    [InlineData("fd00::1")]
    [InlineData("fe80::1")]
    [InlineData("::1")]
    public void A_hundred_clients_of_one_private_address_are_told_of_once(string address)
    {
        Assert.Null(See(address, 99));

        Assert.StartsWith($"all of the first 100 clients came from {address}, a private address", See(address, 1), StringComparison.Ordinal);
        Assert.Null(See(address, 1000));
    }

    [Theory]
    [InlineData("11.1.2.3")]
    [InlineData("172.32.0.1")]
    [InlineData("100.128.0.1")]
    [InlineData("2001:db8::1")]
    public void Other_addresses_are_nobodys_proxy(string address) => Assert.Null(See(address, 1000));

    [Theory]
    [InlineData("10.0.0.2")]
    [InlineData("192.0.2.7")]
    public void One_other_client_is_enough(string other)
    {
        See("10.0.0.1", 99);
        See(other, 1);

        Assert.Null(See("10.0.0.1", 1000));
    }

    [Fact]
    public void Health_checks_of_this_host_do_not_count_beside_others()
    {
        See("127.0.0.1", 99);
        See("10.0.0.1", 50);
        See("127.0.0.1", 99);

        Assert.Null(See("10.0.0.1", 49));
        Assert.NotNull(See("10.0.0.1", 1));
    }

    private string? See(string address, int times)
    {
        string? warning = null;
        for (var i = 0; i < times; i++)
            warning ??= _watch.See(Ip.Of(address));
        return warning;
    }
}
