using System.Net;
using Postern.Dns;
using Postern.Tests.Tables;

namespace Postern.Tests.Dns;

public sealed class ResolverConfigurationTests
{
    [Fact]
    public void Servers_and_options_as_in_resolv_conf()
    {
        var configuration = ResolverConfiguration.Parse(
            "# comment\n; comment\nsearch example.com\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1  \nnameserver fe80::1%1\nnameserver 192.0.2.9\n"
            + "options rotate timeout:3 ndots:2 attempts:4\n");

        Assert.Equal(
            [IPEndPoint.Parse("192.0.2.1:53"), IPEndPoint.Parse("[2001:db8::1]:53"), IPEndPoint.Parse("[fe80::1%1]:53")], configuration.Servers);
        Assert.Equal(TimeSpan.FromSeconds(3), configuration.Timeout);
        Assert.Equal(4, configuration.Attempts);
        Assert.True(configuration.Rotate);
    }

    [Fact]
    public void A_resolver_on_another_port_can_be_named()
    {
        var configuration = ResolverConfiguration.Parse(
            "nameserver [127.0.0.1]:5300\nnameserver [127.0.0.1]:0\nnameserver [x]:5300\nnameserver [127.0.0.1:5300\nnameserver [::1]:5300\n");

        Assert.Equal([IPEndPoint.Parse("127.0.0.1:5300"), IPEndPoint.Parse("[::1]:5300")], configuration.Servers);
        Assert.False(configuration.Rotate);
    }

    [Fact]
    public void Nothing_said_means_the_local_server_and_the_usual_patience()
    {
        var configuration = ResolverConfiguration.Parse("nameserver junk\nnameserver\noptions timeout:x attempts:\n");

        Assert.Equal([IPEndPoint.Parse("127.0.0.1:53")], configuration.Servers);
        Assert.Equal(TimeSpan.FromSeconds(5), configuration.Timeout);
        Assert.Equal(2, configuration.Attempts);
    }

    [Fact]
    public void Servers_that_cannot_be_read_are_said()
    {
        Assert.Equal(
            ["/etc/resolv.conf, line 1: nameserver \"127.0.2.3;x\" is no address: left out", "/etc/resolv.conf, line 3: nameserver \"\" is no address: left out"],
            ResolverConfiguration.Parse("nameserver 127.0.2.3;x\nnameserver 127.0.2.4\nnameserver\n").Problems);
        Assert.Equal(
            ["/x, line 2: nameserver \"a?b\" is no address: left out; 127.0.0.1 is asked instead, as there is no other"],
            ResolverConfiguration.Parse("# nameserver z\nnameserver a\u001bb\n", "/x").Problems);
        Assert.Empty(ResolverConfiguration.Parse("nameserver ::1\nnameserver fe80::1%lo\nnameserver 127.2\nsearch x\n").Problems);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_said_once_and_what_is_asked_meanwhile()
    {
        var files = new FakeTextFiles { ["/etc/resolv.conf"] = "nameserver 192.0.2.1\nnameserver [192.0.2.2]:5353\n" };
        var warnings = new List<string>();
        var file = new ResolverFile(files, "/etc/resolv.conf", warnings.Add);

        files["/etc/resolv.conf"] = "nameserver 192.0.2.3\n";
        files.Unreadable["/etc/resolv.conf"] = "Permission denied";
        Assert.False(file.Refresh());
        Assert.False(file.Refresh());

        Assert.Equal(["open /etc/resolv.conf: Permission denied: going on with 192.0.2.1, 192.0.2.2:5353"], warnings);
    }

    [Fact]
    public void Wild_numbers_are_brought_back_into_bounds()
    {
        var configuration = ResolverConfiguration.Parse("options timeout:9999 attempts:0");

        Assert.Equal(TimeSpan.FromSeconds(30), configuration.Timeout);
        Assert.Equal(1, configuration.Attempts);
    }
}
